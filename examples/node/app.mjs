// A program as yours might be: it streams an answer, and knows nothing of llmreplay.
import OpenAI from "openai";

const stream = await new OpenAI().chat.completions.create({
  model: "gpt-4o-mini",
  stream: true,
  messages: [{ role: "user", content: "Three words for the sea." }],
});
for await (const event of stream) {
  process.stdout.write(event.choices[0]?.delta?.content ?? "");
}
process.stdout.write("\n");
