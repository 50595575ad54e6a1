// What users meet, on one system: the happy paths, the money behind them, and every way to ask wrongly.
import type { FakeUpstream } from '@waystation/testing';
import { useSystem } from './support/use-system.ts';
import { badInput } from './users/bad-input.ts';
import { badMoney } from './users/bad-money.ts';
import { books } from './users/books.ts';
import { byok, startKeyed } from './users/byok.ts';
import { contentFilters } from './users/content-filters.ts';
import { dialects } from './users/dialects.ts';
import { happy, startLab } from './users/happy.ts';
import { money } from './users/money.ts';
import { PRIVATE_HOSTS, privateProviders } from './users/private-providers.ts';
import { promptCache } from './users/prompt-cache.ts';
import { responseCache } from './users/response-cache.ts';
import { suspension } from './users/suspension.ts';
import { tags } from './users/tags.ts';
import { upstreamDialects } from './users/upstream-dialects.ts';

let lab: FakeUpstream;
let keyed: FakeUpstream;

const system = useSystem(async () => {
  const started = await startLab();
  lab = started.lab;
  const own = await startKeyed();
  keyed = own.keyed;
  return { config: `${started.config}${own.lines}`, timeScale: 0.5, env: PRIVATE_HOSTS };
});
afterAll(() => Promise.all([lab.close(), keyed.close()]));

happy(system, () => lab);
money(system);
badInput(system);
badMoney(system);
suspension(system);
tags(system);
books(system);
byok(system);
// Behind those that count what was spent: records of theirs may come late.
privateProviders(system);
dialects(system);
responseCache(system);
promptCache(system);
contentFilters(system);
upstreamDialects(system);
