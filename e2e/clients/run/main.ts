// A process for one client, so that no SDK meets anything of Jest's: the order comes as JSON on stdin, a line of JSON goes out for each cell.
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import type { Cell, Features, Order, Outcome } from './asked.ts';

const AT_ONCE = 4;
const CELL_TIMEOUT_MS = 20_000;
const ERROR_CHARS_MAX = 4_000;

const { file, connection, cells } = JSON.parse(await text(process.stdin)) as Order;
const { featuresOf } = (await import(`./${file}.ts`)) as { featuresOf: (given: Order['connection']) => Features };
const features = featuresOf(connection);

const run = async ({ feature, model }: Cell): Promise<Outcome> => {
  const ask = features[feature];
  if (ask === undefined) return { feature, model, error: `${file}.ts has no feature ${feature}` };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${CELL_TIMEOUT_MS} ms`)), CELL_TIMEOUT_MS);
  });
  try {
    return { feature, model, told: await Promise.race([ask(model), late]) };
  } catch (error) {
    return { feature, model, error: inspect(error, { depth: 4 }).slice(0, ERROR_CHARS_MAX) };
  } finally {
    clearTimeout(timer);
  }
};

const waiting = [...cells];
const work = async (): Promise<void> => {
  for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift())
    process.stdout.write(`${JSON.stringify(await run(cell))}\n`);
};
await Promise.all(Array.from({ length: AT_ONCE }, work));
process.exit(0);
