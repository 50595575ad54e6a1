// Budgets and rates that hold across three ingress processes, on a provider whose every answer costs the same.
import type { FakeUpstream } from '@waystation/testing';
import { row01 } from './faults/row-01.ts';
import { row01Scopes } from './faults/row-01-scopes.ts';
import { row02 } from './faults/row-02.ts';
import { row03 } from './faults/row-03.ts';
import { grantCredits } from './support/grant-credits.ts';
import { startPriced } from './support/priced-lab.ts';
import { useSystem } from './support/use-system.ts';

let lab: FakeUpstream;

const system = useSystem(async () => {
  const started = await startPriced();
  lab = started.lab;
  return { config: started.config, replicas: { ingress: 3 } };
});
// Twenty runs over spend more than the demo workspace has.
beforeAll(() => grantCredits(system(), 10_000));
afterAll(() => lab.close());

row01(system, () => lab);
row01Scopes(system, () => lab);
row02(system, () => lab);
row03(system);
