// Steady traffic for a station that is looked at: LOAD_CLIENTS clients, one request after the other, half of them streams, to the sandbox's models. No package is needed.
// Prints a line each ten seconds; ends in order with SIGTERM.
const url = process.env.LOAD_URL ?? 'http://ingress:8080';
const key = process.env.WAYSTATION_SEED_API_KEY ?? '';
const clients = Math.min(Number(process.env.LOAD_CLIENTS ?? '4') || 4, 256);
const pauseMs = Number(process.env.LOAD_PAUSE_MS ?? '250') || 0;
const models = (process.env.LOAD_MODELS ?? 'sandbox/echo').split(',');
const EVERY_MS = 10_000;
const AFTER_FAILURE_MS = 1_000;

if (key === '') {
  console.error('WAYSTATION_SEED_API_KEY is not set: run `node tools/compose-env.mjs --demo > .env` first');
  process.exit(1);
}

let answered = 0;
let failed = 0;
let running = true;
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => (running = false));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const ask = async (turn) => {
  const response = await fetch(`${url}/api/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: models[turn % models.length],
      stream: turn % 2 === 0,
      messages: [{ role: 'user', content: `Say something about the number ${turn}.` }],
    }),
  });
  await response.text();
  if (!response.ok) throw new Error(String(response.status));
};

const client = async (number) => {
  for (let turn = number; running; turn += clients) {
    try {
      await ask(turn);
      answered += 1;
      await sleep(pauseMs);
    } catch {
      failed += 1;
      await sleep(AFTER_FAILURE_MS);
    }
  }
};

const telling = setInterval(() => {
  console.log(JSON.stringify({ service: 'load', answered, failed }));
  [answered, failed] = [0, 0];
}, EVERY_MS);
await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
clearInterval(telling);
