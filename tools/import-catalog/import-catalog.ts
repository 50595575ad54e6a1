// Two sources → one catalog and a report of what could not be taken as it stands. The story; each step has its own file.
import type { CatalogEndpoint, CatalogModel, CatalogProvider } from '../../libs/catalog/src/catalog-file.ts';
import type { DataPolicySource } from '../../libs/catalog/src/provider-source.ts';
import { geminiQuirks } from './curated/gemini-quirks.ts';
import { DATA_POLICIES, STOPS_ON_CANCEL } from './curated/policies.ts';
import { draftListed, type Draft, type DraftProvider } from './draft-listed.ts';
import { addMapped } from './add-mapped.ts';
import { leaveOutUnserved } from './leave-out-unserved.ts';
import { createNaming, registryOf, type Naming } from './naming/name-model.ts';
import type { Listing, PriceMap } from './read-sources.ts';
import { createReport, type Report } from './report.ts';
import type { WrittenCatalog } from './write-texts.ts';

/** Providers whose names of models the others are told by, in the order in which they are believed. */
const REFERENCE = 'openrouter';

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const importCatalog = (listing: Listing, priceMap: PriceMap): { catalog: WrittenCatalog; report: Report } => {
  const report = createReport();
  const drafts = leaveOutUnserved(addMapped(draftListed(listing, report), priceMap, report), report);
  const naming = createNaming(
    registryOf([
      ...Object.keys(listing.providers[REFERENCE]?.models ?? {}),
      ...Object.keys(priceMap)
        .filter((id) => id.startsWith(`${REFERENCE}/`) && id.split('/').length === 3)
        .map((id) => id.slice(REFERENCE.length + 1)),
    ]),
    drafts.flatMap(({ head, endpoints }) => endpoints.map((endpoint) => ({ ...endpoint, provider: head.slug }))),
  );
  const said = new Map<string, Said>();
  const providers = drafts
    .map((draft) => providerOf(draft, naming, said, report))
    .filter((provider) => provider.endpoints.length > 0)
    .sort((a, b) => byText(a.slug, b.slug));
  return { catalog: { providers, models: [...said].map(modelOf).sort((a, b) => byText(a.id, b.id)) }, report };
};

const policyOf = (slug: string): DataPolicySource | undefined => {
  const curated = DATA_POLICIES[slug];
  return curated === undefined
    ? undefined
    : { retains: curated.retains, trains: curated.trains, source: curated.source };
};

/** Families of models whose makers' own words Converse passes on: libs/providers/src/bedrock-converse. */
const FAMILIES: readonly (readonly [prefix: string, family: string])[] = [
  ['anthropic/', 'claude'],
  ['amazon/nova-', 'nova'],
  ['openai/gpt-oss-', 'gpt-oss'],
];

const quirksOf = (dialect: string, model: string, byEffort: boolean): Pick<CatalogEndpoint, 'quirks'> => {
  const family =
    dialect === 'bedrock-converse' ? FAMILIES.find(([prefix]) => model.startsWith(prefix))?.[1] : undefined;
  const isClaude = family === 'claude' || (dialect === 'anthropic-messages' && model.startsWith('anthropic/'));
  const quirks = {
    ...(family === undefined ? {} : { family }),
    // https://docs.anthropic.com/en/docs/build-with-claude/adaptive-thinking: newer models take no budget of tokens.
    ...(isClaude && byEffort ? { thinking: 'adaptive' } : {}),
    ...(dialect === 'gemini' ? geminiQuirks(model) : undefined),
  };
  return Object.keys(quirks).length === 0 ? {} : { quirks };
};

const STRICTEST: DataPolicySource = { retains: true, trains: true };

const providerOf = (
  { head, endpoints }: DraftProvider,
  naming: Naming,
  said: Map<string, Said>,
  report: Report,
): CatalogProvider => {
  const { slug } = head;
  const dataPolicy = policyOf(slug);
  const offered = new Map<string, CatalogEndpoint>();
  const named = endpoints.flatMap((draft) => {
    const name = naming.nameOf({ ...draft, provider: slug });
    if (!('unnamed' in name)) return [{ draft, name, plain: isPlain(draft.upstreamModel, name.model) }];
    report.note('unnamed', { provider: slug, model: draft.upstreamModel, detail: name.unnamed });
    return [];
  });
  // Of two spellings of one model the plain one is offered.
  named.sort((a, b) => Number(b.plain) - Number(a.plain) || byText(a.draft.upstreamModel, b.draft.upstreamModel));
  for (const { draft, name } of named) {
    const place = `${name.model}@${name.tag ?? ''}`;
    const earlier = offered.get(place);
    if (earlier !== undefined) {
      report.note('twice', {
        provider: slug,
        model: draft.upstreamModel,
        detail: `${name.model}, as \`${earlier.upstreamModel}\``,
      });
      continue;
    }
    const author = name.model.split('/')[0] ?? '';
    const isPassedOn = DATA_POLICIES[slug]?.exceptAuthors?.includes(author) ?? false;
    offered.set(place, {
      model: name.model,
      ...(name.tag === undefined ? {} : { tagSuffix: name.tag }),
      ...draft.endpoint,
      ...(name.quantization === undefined ? {} : { quantization: name.quantization }),
      ...quirksOf(head.dialect, name.model, draft.byEffort === true),
      ...(isPassedOn ? { dataPolicy: STRICTEST } : {}),
    });
    remember(said, name.model, slug, draft);
  }
  return {
    ...head,
    ...(dataPolicy === undefined ? {} : { dataPolicy }),
    billsAfterCancel: !STOPS_ON_CANCEL.includes(slug),
    endpoints: [...offered.values()].sort(
      (a, b) => byText(a.model, b.model) || byText(a.tagSuffix ?? '', b.tagSuffix ?? ''),
    ),
  };
};

const isPlain = (upstreamModel: string, model: string): boolean =>
  upstreamModel.toLowerCase().endsWith(model.split('/')[1] ?? '');

/** What all say of a model: the reference's word counts, or else what most say, and of these the first by order. */
interface Said {
  readonly names: Map<string, number>;
  readonly days: Map<string, number>;
}

/** More than all providers together. */
const WORD_OF_THE_REFERENCE = 1_000;

const remember = (said: Map<string, Said>, id: string, slug: string, { name, published }: Draft): void => {
  const known = said.get(id) ?? { names: new Map<string, number>(), days: new Map<string, number>() };
  said.set(id, known);
  const weight = slug === REFERENCE ? WORD_OF_THE_REFERENCE : 1;
  const plain = name?.replace(/ \(latest\)$/i, '');
  if (plain !== undefined) known.names.set(plain, (known.names.get(plain) ?? 0) + weight);
  if (published !== undefined) known.days.set(published, (known.days.get(published) ?? 0) + weight);
};

const mostSaid = (votes: ReadonlyMap<string, number>): string | undefined =>
  [...votes].sort(([a, left], [b, right]) => right - left || byText(a, b))[0]?.[0];

const modelOf = ([id, { names, days }]: readonly [string, Said]): CatalogModel => {
  const published = mostSaid(days);
  return { id, name: mostSaid(names) ?? id, ...(published === undefined ? {} : { published }) };
};
