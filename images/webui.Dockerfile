# twin-webui: the web interface, on top of twin-cpu: it starts stages by the command line, which is there.
ARG CPU=twin-cpu
FROM ${CPU}
COPY webui /app/webui
ENV NICEGUI_STORAGE_PATH=/tmp/nicegui
CMD ["python", "-m", "webui.main"]
