// The npm SDKs. Reads and prints the same lines as program.py: a job a line in, what was heard a
// line out. What SDKs leave to chance in their waits is fixed in the middle.

Math.random = () => 0.5;

const { createInterface } = await import("node:readline");
const { default: Anthropic } = await import("@anthropic-ai/sdk");
const { default: OpenAI } = await import("openai");

const PROMPT = "When does the tide come in?";
const NAME = "get_tide";
const SCHEMA = {
  type: "object",
  properties: { harbour: { type: "string" }, day: { type: "string" } },
  required: ["harbour"],
};
const messages = [{ role: "user", content: PROMPT }];

const clients = { "npm openai": askOpenAI, "npm @anthropic-ai/sdk": askAnthropic };

async function* askOpenAI(job) {
  const baseURL = `${job.url}/openai/v1`;
  const openai = new OpenAI({ baseURL, apiKey: "none", timeout: job.timeout_s * 1000 });
  const asked = { model: "gpt-4o-mini", messages };
  if (job.shape === "answer") {
    const answer = await openai.chat.completions.create(asked);
    yield ["text", answer.choices[0].message.content];
    yield ["usage", String(answer.usage.completion_tokens)];
    return;
  }
  if (job.shape === "tools") {
    asked.tools = [{ type: "function", function: { name: NAME, parameters: SCHEMA } }];
  }
  const streamed = { ...asked, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await openai.chat.completions.create(streamed)) {
    for (const { delta } of chunk.choices) {
      yield ["text", delta.content ?? ""];
      for (const call of delta.tool_calls ?? []) yield ["arguments", call.function.arguments ?? ""];
    }
    if (chunk.usage) yield ["usage", ""];
  }
}

async function* askAnthropic(job) {
  const baseURL = `${job.url}/anthropic`;
  const anthropic = new Anthropic({ baseURL, apiKey: "none", timeout: job.timeout_s * 1000 });
  const asked = { model: "claude-sonnet-5", max_tokens: 512, messages };
  if (job.shape === "answer") {
    const answer = await anthropic.messages.create(asked);
    yield ["text", answer.content[0].text];
    yield ["usage", String(answer.usage.output_tokens)];
    return;
  }
  if (job.shape === "tools") asked.tools = [{ name: NAME, input_schema: SCHEMA }];
  for await (const event of await anthropic.messages.create({ ...asked, stream: true })) {
    if (event.type === "content_block_delta") {
      if (event.delta.type === "text_delta") yield ["text", event.delta.text];
      else yield ["arguments", event.delta.partial_json];
    } else if (event.type === "message_delta") {
      yield ["usage", String(event.usage.output_tokens)];
    }
  }
}

async function listen(parts) {
  const heard = {
    note: "",
    text: "",
    arguments: "",
    pieces: 0,
    usage: false,
    error: "",
    status: null,
    message: "",
  };
  try {
    for await (const [kind, value] of parts) {
      if (kind === "usage") heard.usage = true;
      else if (value) {
        heard[kind] += value;
        heard.pieces += 1;
      }
    }
  } catch (error) {
    heard.error = error.constructor.name;
    heard.status = error.status ?? null;
    heard.message = message(error).replace(/\s+/g, " ");
  }
  return heard;
}

// The provider's own words where the error has them, else the SDK's.
function message(error) {
  let body = error.error;
  for (let depth = 0; depth < 2; depth += 1) {
    if (body && typeof body === "object") body = body.error ?? body.message;
  }
  return typeof body === "string" ? body : error.message;
}

async function run(job) {
  let heard;
  for (let time = 0; time < job.times; time += 1) heard = await listen(clients[job.sdk](job));
  process.stdout.write(JSON.stringify({ case: job.case, sdk: job.sdk, heard }) + "\n");
}

// Not all at once: who waits for others' turns seems to wait for the provider.
const AT_ONCE = 6;
const jobs = [];
let idle = AT_ONCE;

async function work() {
  idle -= 1;
  while (jobs.length) await run(jobs.shift());
  idle += 1;
}

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  if (job.may_hang) {
    run(job);
    continue;
  }
  jobs.push(job);
  if (idle) work();
}
