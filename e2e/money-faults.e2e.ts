// Faults that touch money, on one system: what providers tell wrongly, clients that leave, and processes that end at the worst moment.
import type { FakeUpstream } from '@waystation/testing';
import { continuation } from './faults/continuation.ts';
import { row05 } from './faults/row-05.ts';
import { row06 } from './faults/row-06.ts';
import { row07 } from './faults/row-07.ts';
import { row08 } from './faults/row-08.ts';
import { row09 } from './faults/row-09.ts';
import { row11 } from './faults/row-11.ts';
import { row12 } from './faults/row-12.ts';
import { row13 } from './faults/row-13.ts';
import { row14 } from './faults/row-14.ts';
import { row15Rollover } from './faults/row-15-rollover.ts';
import { row18 } from './faults/row-18.ts';
import { row30 } from './faults/row-30.ts';
import { row34 } from './faults/row-34.ts';
import { surcharges } from './faults/surcharges.ts';
import { startPriced } from './support/priced-lab.ts';
import { useSystem } from './support/use-system.ts';

let lab: FakeUpstream;

const system = useSystem(async () => {
  const started = await startPriced();
  lab = started.lab;
  return { config: started.config };
});
afterAll(() => lab.close());

row05(system);
row06(system, () => lab);
row07(system);
row08(system);
row09(system);
row18(system);
row30(system);
continuation(system);
row11(system);
row12(system);
row13(system);
row14(system);
row34(system);
surcharges(system);
row15Rollover(system);
