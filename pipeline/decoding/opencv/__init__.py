"""The backend OpenCV, for those who do not have PyAV."""
