// `npm run bench:week`: a week of routing in virtual time, with all that goes wrong in one, and what prompt caches give to agents. Writes docs/routing-week.md and docs/routing-week.svg
// when run whole. The same seed gives the same page. It judges nothing: bench/week/week.test.ts does, over a shorter time.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../tools/start/build.ts';
import { conversationsOf } from './week/asks.ts';
import { builtParts } from './week/built.ts';
import { contest, contestOfAgents } from './week/contest.ts';
import { agentOutages, INCIDENTS, RESTARTS_MS } from './week/incidents.ts';
import { DAY_MS, WEEK_BEGINS_MS, WEEK_MS } from './week/market.ts';
import { writePage, writePlot } from './week/report.ts';
import { amplificationOf, successOf } from './week/told.ts';

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    days: { type: 'string', default: '7' },
    /** Conversations a second; each has three requests or four. */
    rate: { type: 'string', default: '0.12' },
    agents: { type: 'string', default: '500' },
  },
});
const seed = Number(options.seed);
const rate = Number(options.rate);
const beginsMs = WEEK_BEGINS_MS;
const endsMs = beginsMs + Number(options.days) * DAY_MS;

await build();
const parts = await builtParts();
const results = contest(
  () => ({
    ...{ parts, seed, beginsMs, endsMs, incidents: INCIDENTS, restartsMs: RESTARTS_MS },
    conversations: conversationsOf({ seed, beginsMs, endsMs, conversationsPerSecond: rate }),
  }),
  ({ name, told: { all } }) =>
    console.log(
      `${name}: ${(100 * successOf(all)).toFixed(3)} % of ${all.servable}, ${amplificationOf(all).toFixed(3)} attempts for a request`,
    ),
);

const agents = { seed, beginsMs, withinMs: 2 * 3_600_000, conversations: Number(options.agents), turnsMax: 30 };
const traces = [
  contestOfAgents(parts, agents, [], `${options.agents} conversations, nothing goes wrong`),
  contestOfAgents(parts, agents, agentOutages(beginsMs), `${options.agents} conversations, with outages`),
];
for (const { title, possible, shares } of traces)
  console.log(
    `${title}: possible ${(100 * possible).toFixed(2)} %; ${shares.map(({ name, share }) => `${name} ${(100 * share).toFixed(2)} %`).join(', ')}`,
  );

const requests = results[0]?.told.all.requests ?? 0;
const page = writePage(
  results,
  INCIDENTS,
  traces,
  `${requests.toLocaleString('en-US')} requests, six endpoints of one model in two regions; three routers, three workers and two ingresses, seed ${seed}.`,
);
if (endsMs - beginsMs === WEEK_MS) {
  const docs = path.join(import.meta.dirname, '..', 'docs');
  writeFileSync(path.join(docs, 'routing-week.md'), page);
  writeFileSync(path.join(docs, 'routing-week.svg'), writePlot(results, INCIDENTS, beginsMs, endsMs));
} else console.log(page);
