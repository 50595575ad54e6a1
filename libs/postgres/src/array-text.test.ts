import { arrayText } from './array-text.js';

test.each<[readonly unknown[], string | undefined]>([
  [[], '{}'],
  [['a', 'b c', ''], '{"a","b c",""}'],
  [[null, undefined, 'NULL', 'null'], '{NULL,NULL,"NULL","null"}'],
  [['{a,b}', 'say "x"', 'back\\slash'], '{"{a,b}","say \\"x\\"","back\\\\slash"}'],
  [[0, -1.5, 1e21, true, false], '{0,-1.5,1e+21,true,false}'],
  [[['nested']], undefined],
  [[new Date(0)], undefined],
])('%j is %s', (values, text) => {
  expect(arrayText(values)).toBe(text);
});
