// Real recordings of providers, where they lie beside the repository.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve('../shared/data/recorded');

export interface Recording {
  readonly name: string;
  /** The JSON of each event. */
  readonly events?: readonly string[];
  readonly body?: Buffer;
}

/** Undefined where there are none at all; whoever reads the run is told. */
export const recordingsOf = (names: readonly string[]): readonly Recording[] | undefined => {
  if (!existsSync(folder)) {
    // eslint-disable-next-line no-console -- whoever reads the run must see that something was not tried
    console.log(`skipped: recordings of providers are not at ${folder}`);
    return undefined;
  }
  return names.map((name) => {
    const [stream, body] = [path.join(folder, `${name}.chunks.txt`), path.join(folder, `${name}.json`)];
    const events = existsSync(stream)
      ? readFileSync(stream, 'utf8')
          .split('\n')
          .filter((line) => line.trim() !== '')
      : undefined;
    return {
      name,
      ...(events === undefined ? {} : { events }),
      ...(existsSync(body) ? { body: readFileSync(body) } : {}),
    };
  });
};
