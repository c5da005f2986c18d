# Ruby's net/http, with nothing but an address: prints one line, as program.py does.

require "json"
require "net/http"

URL = URI("https://api.openai.com/v1/chat/completions")

def ask(about, stream: false)
  message = { role: "user", content: "ruby: what floats on “the river”? #{about}" }
  body = { model: "gpt-4o-mini", stream: stream, messages: [message] }
  headers = {
    "authorization" => "Bearer #{ENV.fetch("OPENAI_API_KEY")}",
    "content-type" => "application/json"
  }
  answer = Net::HTTP.post(URL, body.to_json, headers)
  [answer.code.to_i, answer["x-request-id"], answer.body.force_encoding("UTF-8")]
end

shown = [
  ["answer", ask("answer")],
  ["stream", ask("stream", stream: true)],
  ["error", ask("[fail bad_request]")]
]
puts({ client: "ruby net/http", shown: shown }.to_json)
