// A told generation as lines for the operator: usage × price, who bears it and why, what was held, whose word it is, what was booked.
import { formatUsd, percentOf, unixOfGeneration } from '@waystation/contracts';
import type { CostLine } from '@waystation/catalog';
import type { BookedEntry } from './read-booked.js';
import {
  plus,
  totalOf,
  type Parts,
  type ToldAttempt,
  type ToldGeneration,
  type ToldRevision,
} from './tell-generation.js';

/** `0.000000000030 USD` with its whole picodollars, so that both can be copied. */
const money = (picodollars: bigint | string): string =>
  `${formatUsd(BigInt(picodollars))} USD (${BigInt(picodollars)} pUSD)`;

const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** Empty where nobody knows the generation. */
export const renderStory = (
  generationId: string,
  { whose, attempts, waiting }: ToldGeneration,
  booked: readonly BookedEntry[],
): string[] => {
  if (attempts.length === 0 && waiting.length === 0) return [];
  return [
    `Generation ${generationId}, begun ${beginning(generationId)}`,
    ...whoseLines(whose),
    ...attempts.flatMap((attempt) => ['', ...attemptLines(attempt), ...holdLines(attempt)]),
    ...waiting.flatMap(({ attemptId, dueAtMs }) => [
      '',
      `Attempt ${attemptId} waits for a better witness; it is settled from what is known at ${utc(dueAtMs)}.`,
    ]),
    '',
    totalLine(attempts),
    ...bookedLines(booked),
  ];
};

const beginning = (generationId: string): string => {
  const seconds = unixOfGeneration(generationId);
  return Number.isFinite(seconds) ? new Date(seconds * 1_000).toISOString() : 'at an unknown time';
};

const whoseLines = (whose: ToldGeneration['whose']): string[] =>
  whose === undefined
    ? []
    : [
        `Workspace ${whose.workspaceId}, key ${whose.keyHash.slice(0, 12)}…` +
          (whose.memberId === undefined ? '' : `, member ${whose.memberId}`) +
          (whose.endUserId === undefined ? '' : `, end user ${whose.endUserId}`) +
          (whose.app === undefined ? '' : `, app ${whose.app}`) +
          (whose.tags === undefined ? '' : `, tags ${whose.tags.join(' ')}`),
      ];

const attemptLines = ({ attemptId, endpointId, provider, model, revisions }: ToldAttempt): string[] => [
  `Attempt ${attemptId} at ${endpointId} (provider ${provider}, model ${model})`,
  ...revisions.flatMap(revisionLines),
];

const revisionLines = (told: ToldRevision): string[] => [
  told.revision === 0
    ? `  Settled ${utc(told.settledAtMs)}`
    : `  Corrected ${utc(told.settledAtMs)} (revision ${told.revision}), ${told.rerateId === undefined ? 'for better information' : `by re-rating ${told.rerateId}`}`,
  `    outcome   ${told.outcome}, by the word of ${told.outcomeBy}; ${told.served ? 'the client got output of it' : 'the client got nothing of it'}`,
  `    usage     by the word of ${told.usageBy}, ${told.usageSource}`,
  ...costLines(told),
  ...surchargeLines(told),
  `    policy    ${told.policyRow}: ${told.why === undefined ? 'no such row today' : `${told.why} Borne by ${told.bearer}.`}`,
  `    hold      ${money(told.hold)}: no customer pays more`,
  `    borne by  ${bearers(told)}${told.revision === 0 ? '' : ' (differences to the revision before)'}`,
];

const costLines = ({ priceVersion, priceFromMs, serviceTier, lines }: ToldRevision): string[] => {
  if (lines === undefined) return [`    price     ${priceVersion}, which is not stored`];
  const from = priceFromMs === undefined ? '' : `, in force from ${new Date(priceFromMs).toISOString()}`;
  return [
    `    price     ${priceVersion}${from}${serviceTier === undefined ? '' : `, service tier ${serviceTier}`}`,
    ...lines.map((line) => `      ${costLine(line)}`),
    `      ${'='.repeat(3)} ${money(totalOf(lines))}`,
  ];
};

/** What is on top, as a share of what it costs: less than the share says where the hold ended it, and nothing of what nobody is charged for. */
const surchargeLines = ({ onTop, surcharge, revision }: ToldRevision): string[] => {
  if (onTop === undefined) return [];
  const name = onTop.account === 'fees' ? 'fee for the own key' : 'markup';
  return [
    `    on top    ${name} of ${percentOf(onTop.ratePpm)} %, half up and within the hold: ${money(surcharge)}${revision === 0 ? '' : ' more than before'}`,
  ];
};

const costLine = ({ unit, count, pricedAs, unitPicodollars, amountPicodollars }: CostLine): string =>
  `${count} ${unit} × ${unitPicodollars} pUSD${pricedAs === unit || pricedAs === undefined ? '' : ` (priced as ${pricedAs})`}` +
  ` = ${amountPicodollars} pUSD${pricedAs === undefined ? ' (no price: free)' : ''}`;

const bearers = ({ credits, waste, variance, byok }: Parts): string => {
  const parts: [string, bigint][] = [
    ['credits of the workspace', credits],
    ['waste (nobody pays)', waste],
    ['variance (beyond what could be charged)', variance],
    ["the customer's own key", byok],
  ];
  const borne = parts.filter(([, amount]) => amount !== 0n);
  return borne.length === 0
    ? 'nobody: it is nothing'
    : borne.map(([who, amount]) => `${who} ${money(amount)}`).join(', ');
};

const holdLines = ({ quotas, lease }: ToldAttempt): string[] => {
  const met = `  Quotas ${quotas.join(', ') || 'none'}`;
  if (lease === undefined) return [met, '  Held by no lease'];
  const { id, granted, closedAtMs } = lease;
  if (granted === undefined) return [met, `  Lease ${id}, which billing never granted`];
  return [
    met,
    `  Lease ${id} of ${granted.instance}, granted ${utc(granted.atMs)}: ${money(granted.amount)} in all, ${money(granted.held)} not settled; ` +
      (closedAtMs === undefined ? 'open' : `closed ${utc(closedAtMs)}`),
  ];
};

const NOTHING: Parts = { credits: 0n, waste: 0n, variance: 0n, byok: 0n, surcharge: 0n };

const totalLine = (attempts: readonly ToldAttempt[]): string => {
  const { credits, waste, variance, byok, surcharge } = attempts.reduce<Parts>(plus, NOTHING);
  return (
    `In all: the workspace pays ${money(credits)}; waste ${waste} pUSD, variance ${variance} pUSD, own key ${byok} pUSD.` +
    (surcharge === 0n ? '' : ` Of it ${surcharge} pUSD are on top of the price.`)
  );
};

const bookedLines = (entries: readonly BookedEntry[]): string[] => {
  if (entries.length === 0) return [];
  const postings = new Set(entries.map(({ posting }) => posting));
  return [
    `Booked with others of the same posting${postings.size === 1 ? '' : 's'}:`,
    ...entries.map(
      ({ id, posting, kind, debit, credit, amount }) =>
        `  posting ${posting}, entry ${id}: ${kind} ${debit} → ${credit}, ${money(amount)}`,
    ),
  ];
};
