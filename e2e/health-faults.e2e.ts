// Rows about providers that fail, on a system with three routers, and providers that fail as they are told.
import { capacity } from './faults/capacity.ts';
import { row28 } from './faults/row-28.ts';
import { row29 } from './faults/row-29.ts';
import { row31 } from './faults/row-31.ts';
import { startSteady, type SteadyLabs } from './support/steady-lab.ts';
import { useSystem } from './support/use-system.ts';

let labs: SteadyLabs;

const system = useSystem(async () => {
  labs = await startSteady();
  return { config: labs.config, replicas: { router: 3 } };
});
afterAll(() => labs.close());

capacity(system, () => labs);
row28(system, () => labs);
row29(system, () => labs);
row31(system, () => labs);
