// A charging station made of the npm package ocpp-rpc in strict mode: every call and every answer must fit the schemas
// that package brings. Standard input: {"endpoint", "identity", "password", "protocol", "calls": [[action, params]]},
// the password in base64; "<transactionId>" in params stands for the last transaction id that was answered.
// Standard output: {"connected": protocol or error text, "answers": [answer or {"error": text}]}.
// The package names its 2.1 schemas otherwise than it looks them up; they are renamed here and not changed.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { RPCClient, createValidator } from "ocpp-rpc";

const schemas21 = createRequire(import.meta.url)("ocpp-rpc/lib/schemas/ocpp2_1.json").map((schema) => ({
  ...schema,
  $id: schema.$id.replace(/Request$/, ".req").replace(/Response$/, ".conf"),
}));
const asked = JSON.parse(await text(process.stdin));
const client = new RPCClient({
  endpoint: asked.endpoint.replace(/\/$/, ""),
  identity: asked.identity,
  password: Buffer.from(asked.password, "base64"),
  protocols: [asked.protocol],
  strictMode: true,
  strictModeValidators: [createValidator("ocpp2.1", schemas21)],
  reconnect: false,
  callTimeoutMs: 10_000,
});
const told = { connected: "", answers: [] };
let transactionId;
try {
  await client.connect();
  told.connected = client.protocol;
  for (const [action, params] of asked.calls) {
    const filled = JSON.parse(JSON.stringify(params), (_, v) => (v === "<transactionId>" ? transactionId : v));
    try {
      const answer = await client.call(action, filled);
      transactionId = answer.transactionId ?? transactionId;
      told.answers.push(answer);
    } catch (error) {
      told.answers.push({ error: `${error.rpcErrorCode ?? error.name}: ${error.message}` });
    }
  }
  await client.close();
} catch (error) {
  told.connected = `${error.code ?? error.name} ${error.message}`;
}
console.log(JSON.stringify(told));
