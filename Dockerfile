# The Lambda function: AWS's Python image, runtime dependencies, the pipeline, its model.
#checkov:skip=CKV_DOCKER_2:Lambda starts, watches and ends the container itself
#checkov:skip=CKV_DOCKER_3:Lambda sets a user of its own; `sam local` adds its emulator as root, and fails with any other
#checkov:skip=CKV_DOCKER_7:the tag is the Python version, which checkov cannot read in an argument
ARG BASE_IMAGE=public.ecr.aws/lambda/python:3.13

FROM ${BASE_IMAGE} AS build
COPY requirements/lambda.txt /tmp/
# Hash-checked wheels only: nothing is compiled from source in here. The list is complete but for
# what is never imported (scipy, see the Makefile), so pip need not resolve anything.
RUN python3 -m pip install --quiet --no-cache-dir --no-compile --disable-pip-version-check \
      --require-hashes --no-deps --only-binary :all: --target /packages --requirement /tmp/lambda.txt
COPY handler/ /app/handler/
COPY pipeline/ /app/pipeline/
COPY models/ /app/models/
# Lambda's task root is read-only: bytecode that is not here is made anew at each cold start.
# Unchecked hashes, so that a file's date, which a layer may change, never makes it stale.
# And Lambda runs as a user of its own choosing, who must be able to read it all.
RUN python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /packages /app \
 && chmod -R a+rX /packages /app

FROM ${BASE_IMAGE}
ENV ORT_DISABLE_TELEMETRY=1 \
    POWERTOOLS_TRACE_DISABLED=true
COPY --from=build /packages ${LAMBDA_TASK_ROOT}
COPY --from=build /app ${LAMBDA_TASK_ROOT}
CMD ["handler.app.lambda_handler"]
