// A voice agent of OpenAI's SDK for JavaScript on the server at argv[2]: it asks by the voice on stdin, is interrupted
// in its second answer, and asks once more by text. Prints every event of the server as a line, at last a summary.
import { buffer } from "node:stream/consumers";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession, tool } from "@openai/agents-realtime";

const url = process.argv[2];
const audioBytes = {};
const getTime = tool({
  name: "get_time",
  description: "Tells the time.",
  parameters: { type: "object", properties: {}, required: [], additionalProperties: true, "x-phrases": ["what time is it"] },
  strict: false,
  execute: async () => "It is half past nine.",
});
const agent = new RealtimeAgent({ name: "speaker", instructions: "Be brief.", tools: [getTime] });
const transport = new OpenAIRealtimeWebSocket({ url });
const session = new RealtimeSession(agent, { transport, model: "offline", tracingDisabled: true });
const next = (kind) => new Promise((resolve) => session.once(kind, resolve));
const seen = (kind) => new Promise((resolve) => transport.on("*", (event) => event.type === kind && resolve(event)));

transport.on("*", (event) => console.log(JSON.stringify(event)));
session.on("error", ({ error }) => {
  // The server's own errors are among its events.
  if (error.type === "error") return;
  console.error(error);
  process.exit(1);
});
session.on("audio", ({ responseId, data }) => {
  audioBytes[responseId] = (audioBytes[responseId] ?? 0) + data.byteLength;
});

await session.connect({ apiKey: "none" });
session.sendAudio(new Uint8Array(await buffer(process.stdin)).buffer);
await next("audio_stopped");
const truncated = seen("conversation.item.truncated");
session.sendMessage("how do you do");
await next("audio");
session.interrupt();
await truncated;
session.sendMessage("what time is it");
await next("audio_stopped");
console.log(JSON.stringify({ type: "summary", audioBytes, history: session.history }));
session.close();
