# The image of the Lambda function: AWS's Python base image, the packages, the code, the model.
#checkov:skip=CKV_DOCKER_2:Lambda starts, monitors and stops the container itself
#checkov:skip=CKV_DOCKER_3:Lambda sets the user; `sam local` adds its emulator as root, and fails with another user
#checkov:skip=CKV_DOCKER_7:the tag is the Python version; checkov cannot read it from an argument
# `make base-digest` pins the base image to its digest. A release needs one: `make release-check`.
ARG BASE_IMAGE=public.ecr.aws/lambda/python:3.13

FROM ${BASE_IMAGE} AS build
COPY requirements/lambda.txt /tmp/
# Only wheels with known hashes: nothing is compiled from source. The list is complete except for
# scipy and pycocotools, which only `pretag evaluate` imports (see the Makefile), so pip must not
# resolve dependencies.
RUN python3 -m pip install --quiet --no-cache-dir --no-compile --disable-pip-version-check \
      --require-hashes --no-deps --only-binary :all: --target /packages --requirement /tmp/lambda.txt
COPY handler/ /app/handler/
COPY pipeline/ /app/pipeline/
COPY models/ /app/models/
# Lambda's task root is read-only, so without this step Python would compile at each cold start.
# With unchecked hashes the bytecode stays valid if a layer changes the dates of the files.
# chmod: Lambda chooses the user, and any user must be able to read all files.
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /packages /app \
 && chmod -R a+rX /packages /app

FROM ${BASE_IMAGE}
ENV OPENBLAS_NUM_THREADS=1 \
    ORT_DISABLE_TELEMETRY=1 \
    POWERTOOLS_TRACE_DISABLED=true
COPY --from=build /packages ${LAMBDA_TASK_ROOT}
COPY --from=build /app ${LAMBDA_TASK_ROOT}
# `docker run IMAGE pretag run ...` runs the command. Docker replaces no variable here: it is Lambda's
# task root. /bin/sh, because the script need not be executable then.
ENTRYPOINT ["/bin/sh", "/var/task/handler/entrypoint"]
CMD ["handler.app.lambda_handler"]
