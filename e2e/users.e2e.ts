// What users meet, on one system: the happy paths, the money behind them, and every way to ask wrongly.
import type { FakeUpstream } from '@waystation/testing';
import { useSystem } from './support/use-system.ts';
import { badInput } from './users/bad-input.ts';
import { badMoney } from './users/bad-money.ts';
import { books } from './users/books.ts';
import { dialects } from './users/dialects.ts';
import { happy, startLab } from './users/happy.ts';
import { money } from './users/money.ts';
import { responseCache } from './users/response-cache.ts';
import { suspension } from './users/suspension.ts';
import { tags } from './users/tags.ts';
import { upstreamDialects } from './users/upstream-dialects.ts';

let lab: FakeUpstream;

const system = useSystem(async () => {
  const started = await startLab();
  lab = started.lab;
  return { config: started.config, timeScale: 0.5 };
});
afterAll(() => lab.close());

happy(system, () => lab);
money(system);
badInput(system);
badMoney(system);
suspension(system);
tags(system);
books(system);
// Behind those that count what was spent: records of theirs may come late.
dialects(system);
responseCache(system);
upstreamDialects(system);
