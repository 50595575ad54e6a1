// Members of Google's messages are taken in both spellings, and unknown ones refused: https://protobuf.dev/programming-guides/json/
import { BadCall } from '../dialect.js';
import type { Json } from '../read-fields.js';

const snakeOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export const member = (of: Json, name: string): unknown => of[name] ?? of[snakeOf(name)];

export const refuseUnknown = (of: Json, known: readonly string[], at: string): void => {
  for (const name of Object.keys(of)) {
    if (known.some((each) => each === name || snakeOf(each) === name)) continue;
    throw new BadCall(400, `Invalid JSON payload received. Unknown name "${name}"${at}: Cannot find field.`);
  }
};
