#!/bin/sh
# Starts llmreplay on a free port, asks it with curl, and stops it.
set -eu
cd "$(dirname "$0")"

log=$(mktemp)
llmreplay serve --port 0 --timing recorded > "$log" &
server=$!
trap 'kill "$server"; wait "$server"; rm "$log"' EXIT
until url=$(grep -om1 'http://[^ ]*' "$log"); do sleep 0.1; done

curl --silent --no-buffer "$url/anthropic/v1/messages" \
  --header 'content-type: application/json' \
  --header 'anthropic-version: 2023-06-01' \
  --data '{
    "model": "claude-sonnet-4-5", "max_tokens": 20, "stream": true,
    "messages": [{"role": "user", "content": "Is the kettle on?"}]
  }'
