// A station as a file that plans to nothing: usual values are left out, secrets are names of variables to be set.
import { Document } from 'yaml';
import { SEALED } from './read-station-file.ts';
import { SECTIONS, isSingle, saidSettings, type FoundThing, type Json, type Section } from './station.ts';

/** Of the environment in which the file is applied; those that begin with WAYSTATION_PROVIDER_ are control's. */
export const variableOf = (slug: string): string => `${slug.toUpperCase().replaceAll('-', '_')}_KEY`;

const AWS = { accessKeyId: 'AWS_ACCESS_KEY_ID', secretAccessKey: 'AWS_SECRET_ACCESS_KEY' };

const providerOf = ({ name, settings }: FoundThing): Json => {
  const { apiKey, auth, ...rest } = settings;
  if (typeof auth === 'object' && auth !== null && 'kind' in auth && auth.kind === 'aws')
    return {
      ...rest,
      auth: {
        ...auth,
        ...Object.fromEntries(Object.entries(AWS).map(([member, variable]) => [member, `\${${variable}}`])),
      },
    };
  const presented = auth === undefined ? {} : { auth };
  if (apiKey === null) return { ...rest, ...presented };
  return { ...rest, ...presented, apiKey: apiKey === SEALED ? `\${${variableOf(name)}}` : apiKey };
};

/** `seen`: sections that could be read; the others are not in the file. */
export const renderStation = (workspace: string, things: readonly FoundThing[], seen: readonly Section[]): string => {
  const sections = SECTIONS.filter((section) => seen.includes(section)).flatMap((section): [string, unknown][] => {
    const own = things.filter((thing) => thing.section === section && !(section === 'presets' && thing.kept === true));
    const [first] = own;
    if (section === 'task_rules') return first === undefined ? [] : [[section, first.settings['rules']]];
    if (isSingle(section)) return first === undefined ? [] : [[section, saidSettings(section, first.settings)]];
    const said = own.map((thing) =>
      section === 'private_providers' ? providerOf(thing) : saidSettings(section, thing.settings),
    );
    return [[section, said]];
  });
  return new Document({ workspace, ...Object.fromEntries(sections) }).toString({ lineWidth: 0 });
};
