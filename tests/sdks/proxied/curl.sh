#!/bin/sh
# curl, with nothing but an address: prints one line, as program.py does; every value in base64.
set -eu

ask() {
    message='{"role": "user", "content": "curl: what floats on the river? '$1'"}'
    curl --silent --show-error --write-out '\n%{http_code} %header{x-request-id}' \
        --header "authorization: Bearer $OPENAI_API_KEY" \
        --header "content-type: application/json" \
        --data '{"model": "gpt-4o-mini", "stream": '"$2"', "messages": ['"$message"']}' \
        https://api.openai.com/v1/chat/completions | base64 | tr -d '\n'
}

printf '{"client": "curl", "shown": [["answer", "%s"], ["stream", "%s"], ["error", "%s"]]}\n' \
    "$(ask answer false)" "$(ask stream true)" "$(ask '[fail bad_request]' false)"
