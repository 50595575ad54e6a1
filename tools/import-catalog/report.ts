// What an import could not take as it stands, for a person to look through: written beside the data, and never decided in silence.

export const KINDS = {
  conflict: 'Prices that differ by more than 1 % between the sources',
  unit: 'Prices by a unit that the ledger does not count',
  free: 'Prices of zero that may mean “unknown”',
  unpriced: 'No price',
  unnamed: 'No canonical name',
  twice: 'The same model twice at one provider',
  limits: 'No limit of context',
  rounded: 'Prices rounded to whole picodollars',
  api: 'Made for something that is not served',
  provider: 'Providers that are left out',
} as const;
export type Kind = keyof typeof KINDS;

const MEANING: Readonly<Record<Kind, string>> = {
  conflict: 'The price of models.dev is the one in the catalog. The two are never averaged.',
  unit: 'Left out: by the second, the character, the pixel, or in words that no source explains.',
  free: 'Left out where nothing says that the provider gives it away. An operator who knows adds the endpoint to the file.',
  unpriced: 'Left out: an unknown price is not zero.',
  unnamed: 'Left out, or under a name of the operator’s own through the file.',
  twice: 'The first is in the catalog.',
  limits: 'Left out: routing would not know what fits.',
  rounded: 'In the catalog, half up.',
  api: 'Left out.',
  provider: 'Left out, with everything that they offer.',
};

export interface Exception {
  readonly provider: string;
  readonly model: string;
  readonly detail: string;
}

export interface Report {
  note(kind: Kind, exception: Exception): void;
  count(kind: Kind): number;
  text(): string;
}

const byPlace = (a: Exception, b: Exception): number =>
  a.provider === b.provider ? (a.model < b.model ? -1 : a.model > b.model ? 1 : 0) : a.provider < b.provider ? -1 : 1;

export const createReport = (): Report => {
  const noted = new Map<Kind, Exception[]>();
  return {
    note(kind, exception) {
      noted.set(kind, [...(noted.get(kind) ?? []), exception]);
    },
    count: (kind) => noted.get(kind)?.length ?? 0,
    text() {
      const kinds = (Object.keys(KINDS) as Kind[]).filter((kind) => noted.has(kind));
      const overview = kinds.map((kind) => `| ${KINDS[kind]} | ${noted.get(kind)?.length ?? 0} | ${MEANING[kind]} |`);
      const parts = kinds.map((kind) => {
        const rows = (noted.get(kind) ?? [])
          .sort(byPlace)
          .map(({ provider, model, detail }) => `| ${provider} | ${model === '' ? '' : `\`${model}\``} | ${detail} |`);
        return `## ${KINDS[kind]}\n\n| provider | its name | |\n|---|---|---|\n${rows.join('\n')}\n`;
      });
      return `# Exceptions of the catalog

Written by \`tools/import-catalog\`, to be read by people; how to act on it stands in the guide of the catalog.

| what | how many | what was done |
|---|---|---|
${overview.join('\n')}

${parts.join('\n')}`;
    },
  };
};
