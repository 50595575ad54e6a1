// Rows of the fault matrix on one system, which survives all of them. Workers come in two, so that one can be wedged.
import { row04 } from './faults/row-04.ts';
import { row10 } from './faults/row-10.ts';
import { row15 } from './faults/row-15.ts';
import { row21 } from './faults/row-21.ts';
import { row22 } from './faults/row-22.ts';
import { row23 } from './faults/row-23.ts';
import { row24 } from './faults/row-24.ts';
import { row25 } from './faults/row-25.ts';
import { useSystem } from './support/use-system.ts';

const system = useSystem(() => ({ replicas: { worker: 2 }, config: '' }));

row04(system);
row10(system);
row15(system);
row21(system);
row22(system);
row23(system);
row24(system);
row25(system);
