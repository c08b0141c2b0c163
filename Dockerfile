# A clean Linux container for machines on which RKNN-Toolkit2 does not install (Windows, macOS, other Pythons).
# Untried so far: no container engine was at hand where it was written. It keeps to the two commands of the README.
FROM python:3.11-slim

# libGL and friends are not needed: the toolkit gets the headless build of OpenCV.
RUN useradd --create-home rkmend
USER rkmend
ENV PATH=/home/rkmend/.local/bin:$PATH
COPY --chown=rkmend . /home/rkmend/source
RUN pip install --no-cache-dir --user /home/rkmend/source \
    && rkmend toolkit install 2.3.2

WORKDIR /models
ENTRYPOINT ["rkmend"]
CMD ["--help"]
