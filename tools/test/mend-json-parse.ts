// Every test file reads JSON as a process of the station does.
import { mendJsonParse } from '../../libs/contracts/src/mend-json-parse.ts';

mendJsonParse();
