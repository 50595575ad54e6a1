// Faults that a careless hand could put into the code that decides about money, each with the test that must catch it. Data: `main.ts` plants them one at a time
// in a copy of the tree. A text that is no longer there exactly once fails `mutations.test.ts`, so that the list keeps up with the code.

export interface Mutation {
  /** In a few words; the name of the row. */
  readonly name: string;
  /** What would happen to somebody's money. */
  readonly breaks: string;
  /** Path in the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly text: string;
  readonly fault: string;
  /** `test`: its title, or the part of it that stands in the file. */
  readonly caughtBy: { readonly file: string; readonly test: string };
}

const LEDGER = 'libs/ledger/src';
const CATALOG = 'libs/catalog/src';
const PROVIDERS = 'libs/providers/src';
const BILLING = 'apps/billing/src';
const INGRESS = 'apps/ingress/src';

export const MUTATIONS: readonly Mutation[] = [
  // Leases and quotas, decided.
  {
    name: 'lost remainder',
    breaks: 'A closed lease keeps what was not spent: the credit of the workspace shrinks with every lease.',
    file: `${LEDGER}/decide-lease.ts`,
    text: 'const { workspaceId, held: released, unbooked: booked } = lease;',
    fault: 'const { workspaceId, unbooked: booked } = lease;\n  const released = NOTHING;',
    caughtBy: {
      file: `${LEDGER}/decide-lease.test.ts`,
      test: 'gives the remainder back, posts what was spent, and has no second effect',
    },
  },
  {
    name: 'double release on a repeated return',
    breaks: 'A return that the bus delivers twice is decided twice, and its caller is told another amount than before.',
    file: `${LEDGER}/decide-lease.ts`,
    text: 'lease.returnStep !== undefined && step <= lease.returnStep',
    fault: 'lease.returnStep !== undefined && step < lease.returnStep',
    caughtBy: { file: `${LEDGER}/decide-lease.test.ts`, test: 'of the same step is answered again' },
  },
  {
    name: 'release of what was settled',
    breaks: 'A return gives back what an attempt has already spent: the credit is spent twice.',
    file: `${LEDGER}/decide-lease.ts`,
    text: 'smaller(aboveZero(minus(lease.granted, keep)), lease.held)',
    fault: 'aboveZero(minus(lease.granted, keep))',
    caughtBy: { file: `${LEDGER}/ledger.property.test.ts`, test: 'after every command the book is sound' },
  },
  {
    name: 'missing guard of the limit',
    breaks: 'A lease is granted whatever its quotas have left: every budget is overrun.',
    file: `${LEDGER}/decide-lease.ts`,
    text: 'if (refused !== undefined) return { refused };',
    fault: '',
    caughtBy: { file: `${LEDGER}/decide-lease.test.ts`, test: 'is refused when one picodollar is missing' },
  },
  {
    name: 'one more than the limit',
    breaks: 'A quota of which nothing is left lets one more unit through.',
    file: `${LEDGER}/decide-lease.ts`,
    text: 'countedBy(quota, need) > freeOf(quota)',
    fault: 'countedBy(quota, need) > freeOf(quota) + 1n',
    caughtBy: { file: `${LEDGER}/ledger.property.test.ts`, test: 'a refused command leaves no trace' },
  },
  {
    name: 'lease beyond its window',
    breaks: 'A slice of this day is spent tomorrow: both days are counted wrong.',
    file: `${LEDGER}/decide-lease.ts`,
    text: "  const takeForMs = Math.min(times.takeForMsMax, untilWindowEnd(quotas, nowMs));\n  if (takeForMs <= 0) return rejected('conflict', 'A window of the quota set is over; ask with the current ones.');",
    fault: '  const takeForMs = times.takeForMsMax;',
    caughtBy: { file: `${LEDGER}/decide-lease.test.ts`, test: 'the end of the window where that is nearer' },
  },
  {
    name: 'week that starts on Sunday',
    breaks: 'A weekly budget starts a day early.',
    file: `${LEDGER}/quota-window.ts`,
    text: 'const MONDAY_OFFSET_MS = 3 * DAY_MS;',
    fault: 'const MONDAY_OFFSET_MS = 4 * DAY_MS;',
    caughtBy: {
      file: `${LEDGER}/quota-set.test.ts`,
      test: 'every instant lies in exactly one window of a kind, and weeks start on Mondays',
    },
  },
  {
    name: 'limit that replaces the wallet',
    breaks: 'A call of a key with a limit of its own no longer meets the credit of its workspace.',
    file: `${LEDGER}/quota-set.ts`,
    text: '  if (key.limit !== undefined) {',
    fault: '  if (key.limit !== undefined) {\n    quotas.shift();',
    caughtBy: { file: `${LEDGER}/quota-set.test.ts`, test: 'a limit of zero is a limit' },
  },
  {
    name: 'own key in the wallet',
    breaks: 'What a provider bills to the customer directly is held in our wallet, too.',
    file: `${LEDGER}/amounts.ts`,
    text: `return quota.scope !== 'wallet' && quota.includeByok === true ? ['usd', 'byok'] : ['usd'];`,
    fault: `return ['usd', 'byok'];`,
    caughtBy: {
      file: `${LEDGER}/decide-lease.test.ts`,
      test: 'own provider keys count where a quota includes them, and never in the wallet',
    },
  },
  // Charges and entries, decided.
  {
    name: 'settled twice',
    breaks: 'An attempt that is told again is charged again.',
    file: `${LEDGER}/decide-settlement.ts`,
    text: 'minus(targetOf(settlement), before.charged)',
    fault: 'targetOf(settlement)',
    caughtBy: { file: `${LEDGER}/decide-settlement.test.ts`, test: 'what is booked already is not booked again' },
  },
  {
    name: 'refund below zero',
    breaks:
      'A refund is posted to quotas that were not told of the charge yet: they fall below zero, and a limit grows.',
    file: `${LEDGER}/decide-settlement.ts`,
    text: 'const booked = isRefund ? (lease?.unbooked ?? NOTHING) : NOTHING;',
    fault: 'const booked = NOTHING;',
    caughtBy: { file: `${LEDGER}/ledger.property.test.ts`, test: 'after every command the book is sound' },
  },
  {
    name: 'credit below zero',
    breaks: 'A late charge takes more than is free: usage drives a wallet below zero.',
    file: `${LEDGER}/decide-settlement.ts`,
    text: 'rest[part] < free ? rest[part] : free > 0n ? free : 0n',
    fault: 'rest[part]',
    caughtBy: { file: `${LEDGER}/decide-settlement.test.ts`, test: 'what is not free either is variance' },
  },
  {
    name: 'variance charged to the customer',
    breaks: 'What a provider bills beyond the hold is taken from the customer.',
    file: `${LEDGER}/decide-charge.ts`,
    text: `  if (cost <= hold) return { ...decided, amount: cost, payer: 'credits', ...onTop(facts, cost, hold - cost) };`,
    fault: `  if (cost <= hold || cost > hold) return { ...decided, amount: cost, payer: 'credits' };`,
    caughtBy: {
      file: `${LEDGER}/decide-charge.test.ts`,
      test: 'a cost above the hold goes to variance, not to the customer',
    },
  },
  {
    name: 'own key charged to the wallet',
    breaks: 'A customer pays for a call with a key of their own twice: to the provider and to us.',
    file: `${LEDGER}/decide-charge.ts`,
    text: `  if (facts.byok) return { ...decided, amount: cost, payer: 'byok', ...onTop(facts, cost, hold) };`,
    fault: '',
    caughtBy: {
      file: `${LEDGER}/decide-charge.test.ts`,
      test: 'with the own key of the customer nothing is booked, only counted',
    },
  },
  {
    name: 'surcharge beyond the hold',
    breaks: 'A customer pays a markup that nobody held for.',
    file: `${LEDGER}/decide-charge.ts`,
    text: 'const surcharge = asked < room ? asked : room;',
    fault: 'const surcharge = asked;',
    caughtBy: { file: `${LEDGER}/decide-charge.test.ts`, test: 'a markup ends where the hold ends' },
  },
  {
    name: 'surcharge rounded down',
    breaks: 'Half a picodollar of every markup is lost to us, and no two books agree.',
    file: `${LEDGER}/surcharge.ts`,
    text: '(base * BigInt(ratePpm) + PARTS_PER_MILLION / 2n) / PARTS_PER_MILLION',
    fault: '(base * BigInt(ratePpm)) / PARTS_PER_MILLION',
    caughtBy: { file: `${LEDGER}/surcharge.test.ts`, test: 'half a picodollar is one' },
  },
  {
    name: 'surcharge kept by a correction',
    breaks: 'A charge that is corrected downwards keeps the markup of what was never used.',
    file: `${LEDGER}/decide-settlement.ts`,
    text: 'const surcharge = (decision.surcharge ?? 0n) - before.surcharge;',
    fault: 'const surcharge = before.surcharge === 0n ? (decision.surcharge ?? 0n) : 0n;',
    caughtBy: {
      file: `${LEDGER}/decide-settlement.test.ts`,
      test: 'a correction downwards gives the markup back with the rest',
    },
  },
  {
    name: 'surcharge owed to the provider',
    breaks: 'The markup is booked as money that we owe the provider, whose bill never agrees again.',
    file: `${LEDGER}/book.ts`,
    text: '...entryOf(kind, held, payable, lease - onTop.lease, event),',
    fault: '...entryOf(kind, held, payable, lease, event),',
    caughtBy: { file: `${LEDGER}/decide-settlement.test.ts`, test: 'a markup comes out of the lease with its charge' },
  },
  {
    name: 'surcharge not held for',
    breaks: 'A call is admitted without its markup in the hold: the last calls of a wallet pay none.',
    file: `${INGRESS}/hold/bound-plan.ts`,
    text: 'const credits = attempt.byok ? onTop : cost + onTop;',
    fault: 'const credits = attempt.byok ? onTop : cost;',
    caughtBy: {
      file: `${INGRESS}/hold/bound-plan.test.ts`,
      test: 'covers what is on top of every endpoint of the plan',
    },
  },
  {
    name: 'surcharge forgotten by the worker',
    breaks: 'Where the ingress is lost, its worker is the only witness and tells of no markup.',
    file: 'apps/worker/src/attempt/money-lines.ts',
    text: '    surchargePpm: request.attempt.surchargePpm,\n    deadlineAt: request.deadlineAt,\n    outcome,\n',
    fault: '    deadlineAt: request.deadlineAt,\n    outcome,\n',
    caughtBy: { file: 'apps/worker/src/attempt/money-lines.test.ts', test: 'on top of the price both lines say' },
  },
  {
    name: 'surcharge of another rate after a re-rating',
    breaks: 'A re-rating forgets the rate of a charge and gives the whole markup back.',
    file: `${BILLING}/rerate/difference.ts`,
    text: '    surchargePpm: backing.surchargePpm,\n',
    fault: '',
    caughtBy: { file: `${BILLING}/rerate/difference.test.ts`, test: 'a markup is of the new cost' },
  },
  {
    name: 'empty answer charged',
    breaks: 'A completion that held nothing is charged.',
    file: `${LEDGER}/decide-charge.ts`,
    text: `  empty: {\n    served: row('empty', 'nobody',`,
    fault: `  empty: {\n    served: row('empty', 'customer',`,
    caughtBy: { file: `${LEDGER}/decide-charge.test.ts`, test: 'an empty completion is not charged' },
  },
  {
    name: 'entry with swapped sides',
    breaks: 'A lease moves credit the wrong way: accounts no longer say what quotas and leases say.',
    file: `${LEDGER}/book.ts`,
    text: `entryOf('lease-grant', credits, held, event.amount.usd, event)`,
    fault: `entryOf('lease-grant', held, credits, event.amount.usd, event)`,
    caughtBy: { file: `${LEDGER}/ledger.property.test.ts`, test: 'after every command the book is sound' },
  },
  {
    name: 'progress taken for a final count',
    breaks: 'An attempt settles from what its stream had used half-way.',
    file: `${LEDGER}/evidence.ts`,
    text: `(evidence.usageBy === 'ingress' || evidence.usageBy === 'worker');`,
    fault: `evidence.usageBy !== 'nobody';`,
    caughtBy: { file: `${LEDGER}/evidence.test.ts`, test: 'progress completes nothing' },
  },
  {
    name: 're-rating paid from a lease',
    breaks: 'A dearer price takes what calls under way hold.',
    file: `${LEDGER}/decide-rerate.ts`,
    text: 'fromCreditOnly: true',
    fault: 'fromCreditOnly: false',
    caughtBy: { file: `${LEDGER}/decide-rerate.test.ts`, test: 'more comes from free credit' },
  },
  {
    name: 'service tier at the standard price',
    breaks: 'A call that was served at another tier is charged by the standard rates.',
    file: `${LEDGER}/decide-charge.ts`,
    text: 'priceUsage(facts.price, facts.usage, facts.serviceTier)',
    fault: 'priceUsage(facts.price, facts.usage)',
    caughtBy: {
      file: `${BILLING}/prices/prices.itest.ts`,
      test: 'keeps the tier of its usage, whichever witness tells what',
    },
  },
  // Payments and gifts.
  {
    name: 'fee that rounds down',
    breaks: 'Half a cent of a fee is lost at every top-up.',
    file: `${LEDGER}/topup-fee.ts`,
    text: '(creditsCents * basisPoints + BASIS_POINTS / 2n) / BASIS_POINTS',
    fault: '(creditsCents * basisPoints) / BASIS_POINTS',
    caughtBy: { file: `${LEDGER}/topup-fee.test.ts`, test: 'half a cent goes up' },
  },
  {
    name: 'payment credited twice',
    breaks: 'A payment that is announced again is credited again.',
    file: `${LEDGER}/decide-topup.ts`,
    text: 'if (book.payments.has(orderId)) return NOTHING;',
    fault: '',
    caughtBy: {
      file: `${LEDGER}/decide-topup.test.ts`,
      test: 'row 17: an order that was paid is credited once, however often it is said',
    },
  },
  {
    name: 'refund of what is spent',
    breaks: 'Credits that calls have used are paid out.',
    file: `${LEDGER}/decide-topup.ts`,
    text: 'if (credits > refundable) {',
    fault: 'if (credits > refundable + left.credits) {',
    caughtBy: {
      file: `${LEDGER}/decide-topup.test.ts`,
      test: 'a refund above what is free is refused and says what is free',
    },
  },
  {
    name: 'expiry of what is held',
    breaks: 'A promotional lot takes credit that calls under way hold.',
    file: `${LEDGER}/decide-promo.ts`,
    text: 'const stays = least(remaining, held);',
    fault: 'const stays = 0n;',
    caughtBy: { file: `${LEDGER}/decide-promo.test.ts`, test: 'what is neither spent nor held' },
  },
  // Prices.
  {
    name: 'edge of a price tier',
    breaks: 'A prompt of exactly the bound of a tier pays the dearer price.',
    file: `${CATALOG}/price-usage.ts`,
    text: 'promptTokens > tier.aboveInputTokens &&',
    fault: 'promptTokens >= tier.aboveInputTokens &&',
    caughtBy: { file: `${CATALOG}/price-usage.test.ts`, test: 'a prompt at the edge of a tier stays below it' },
  },
  {
    name: 'money as `number`',
    breaks: 'A large amount loses its last digits.',
    file: `${CATALOG}/price-usage.ts`,
    text: 'if (count > 0) total += BigInt(count) * unitPrice(perUnit, unit);',
    fault: 'if (count > 0) total += BigInt(count * Number(unitPrice(perUnit, unit)));',
    caughtBy: { file: `${CATALOG}/price-usage.test.ts`, test: 'amounts beyond the range of a double stay exact' },
  },
  {
    name: 'completion left uncounted',
    breaks: 'A provider that tells a usage of the prompt alone is believed: what was delivered costs nothing.',
    file: `${PROVIDERS}/estimate-usage.ts`,
    text: 'outputTokens(usage) > 0 ? undefined : estimateOutputTokens(delivered)',
    fault: 'told !== undefined ? undefined : estimateOutputTokens(delivered)',
    caughtBy: {
      file: `${PROVIDERS}/estimate-usage.test.ts`,
      test: 'the prompt only, with text delivered',
    },
  },
  {
    name: 'cached tokens billed twice',
    breaks: 'Tokens read from the cache are billed as cached and as input.',
    file: `${PROVIDERS}/openai-chat/convert-usage.ts`,
    text: `input = take(input, 'cacheRead', count(cached, tokensMax.input));`,
    fault: `take(input, 'cacheRead', count(cached, tokensMax.input));`,
    caughtBy: {
      file: `${PROVIDERS}/openai-chat/convert-usage.test.ts`,
      test: 'cached tokens are inside of the prompt',
    },
  },
  {
    name: 'bound of the cheaper tier',
    breaks: 'A long prompt is held for at the price of a short one; what it costs beyond is our loss.',
    file: `${CATALOG}/price-usage.ts`,
    text: 'if (cost > highest) highest = cost;',
    fault: 'if (highest === 0n) highest = cost;',
    caughtBy: {
      file: `${CATALOG}/price-usage.property.test.ts`,
      test: 'the hold is never below the cost, whatever is used within it and at whatever tier it is served',
    },
  },
  // The store.
  {
    name: 'missing guard in the database',
    breaks: 'Nothing stands behind a mistake of the code: the table takes a quota beyond its limit.',
    file: `${BILLING}/migrations/create-payments.ts`,
    text: 'check (posted + held <= quota_limit or overdrawn)',
    fault: 'check (posted + held <= quota_limit or true)',
    caughtBy: {
      file: `${BILLING}/verify/verify-ledger.itest.ts`,
      test: 'the database itself refuses a quota beyond its limit',
    },
  },
  {
    name: 'history that can be changed',
    breaks: 'Entries and charges can be altered after the fact.',
    file: `${BILLING}/migrations/create-ledger.ts`,
    text: 'before update or delete or truncate on ${table}',
    fault: 'before truncate on ${table}',
    caughtBy: { file: `${BILLING}/verify/verify-ledger.itest.ts`, test: 'can only be added to' },
  },
  {
    name: 'quotas read without a lock',
    breaks: 'Two processes decide from one balance at once.',
    file: `${BILLING}/ledger/store.ts`,
    text: '|| $2::text[]) order by id for update`',
    fault: '|| $2::text[]) order by id`',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'a process that decides waits for what another one has decided and not yet committed',
    },
  },
  {
    name: 'money through a `number` in the store',
    breaks: 'What is posted of a quota loses its last digits as soon as it is large.',
    file: `${BILLING}/ledger/store.ts`,
    text: 'posted: BigInt(row.posted),',
    fault: 'posted: BigInt(Number(row.posted)),',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'amounts beyond the range of a double stay exact in the database',
    },
  },
  {
    name: 'entries of two accounts in one',
    breaks: 'What nobody pays is booked to the account of the first line of its batch.',
    file: `${BILLING}/ledger/store.ts`,
    text: "${entry.leaseId ?? ''} ${entry.debit} ${entry.credit}`",
    fault: "${entry.leaseId ?? ''} ${entry.credit}`",
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'what nobody pays and what was held too little for are booked apart, though they come together',
    },
  },
  {
    name: 'budget that forgets the morning',
    breaks: 'A budget that is set at noon lets the morning be spent once more.',
    file: `${BILLING}/ledger/store.ts`,
    text: 'quota_limit, posted, opened_with)\n     select id, workspace_id, scope, scope_id, metric, quota_window, window_start, include_byok, spent, spent, spent',
    fault:
      'quota_limit, posted, opened_with)\n     select id, workspace_id, scope, scope_id, metric, quota_window, window_start, include_byok, 0, 0, 0 * spent',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'a budget that is set in the middle of its window counts what was spent in it before',
    },
  },
  {
    name: 'budget that counts the day before',
    breaks: 'The usage of yesterday is counted against the budget of today.',
    file: `${BILLING}/quotas/spent-before.ts`,
    text: 'and day >= $3::date`',
    fault: 'and day >= $3::date - 1`',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'a budget that is set in the middle of its window counts what was spent in it before',
    },
  },
  {
    name: 'fallback before the limit that counts twice',
    breaks: 'A limit of requests that is set at noon counts the fallbacks of the morning as requests of their own.',
    file: `${BILLING}/quotas/spent-before.ts`,
    text: 'select count(distinct generation_id) as used',
    fault: 'select count(*) as used',
    caughtBy: {
      file: `${BILLING}/quotas/spent-before.itest.ts`,
      test: 'a budget of a tag lets be spent what the morning left of it, to the picodollar, and no more',
    },
  },
  {
    name: 'tokens of nobody before the limit',
    breaks: 'A limit of tokens that is set at noon counts what failed in the morning and was charged to nobody.',
    file: `${BILLING}/quotas/spent-before.ts`,
    text: `where payer <> 'waste'`,
    fault: 'where true',
    caughtBy: {
      file: `${BILLING}/quotas/spent-before.itest.ts`,
      test: 'a budget of a tag lets be spent what the morning left of it, to the picodollar, and no more',
    },
  },
  {
    name: 'tag that is named twice and counts twice',
    breaks: 'A call that repeats a tag is in the sums of the tag twice.',
    file: `${BILLING}/settle/backing.ts`,
    text: '[...new Set(tags.map(stored))].sort()',
    fault: 'tags.map(stored).sort()',
    caughtBy: { file: `${BILLING}/quotas/spent-before.itest.ts`, test: 'a charge has its tags' },
  },
  // Settlement.
  {
    name: 'redelivery that finds nothing settled',
    breaks: 'A batch that is delivered again is booked as if it were new.',
    file: `${BILLING}/settle/charge-rows.ts`,
    text: 'where charge.generation_id = a.generation_id and charge.attempt_id = a.attempt_id offset 0) as c',
    fault: 'where charge.generation_id = a.attempt_id and charge.attempt_id = a.attempt_id offset 0) as c',
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'the same lines again and again, in any order, change nothing',
    },
  },
  {
    name: 'bad line that stops its batch',
    breaks: 'One line that the database refuses keeps everything behind it from being settled, for ever.',
    file: `${BILLING}/settle/settle-lines.ts`,
    text: 'if (!isLineFault(error) || only === undefined) throw error;',
    fault: 'if (only !== undefined || !isLineFault(error)) throw error;',
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'a line that only the database can refuse does not hold up the others',
    },
  },
  {
    name: 'lost good lines beside a bad one',
    breaks: 'Whoever shares a batch with a bad line is never charged.',
    file: `${BILLING}/settle/settle-lines.ts`,
    text: 'lines.slice(half), times));',
    fault: 'lines.slice(half + 1), times));',
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'a line that only the database can refuse does not hold up the others',
    },
  },
  {
    name: "another workspace's lease",
    breaks: 'A line that names the lease of a stranger spends their credit.',
    file: `${BILLING}/settle/settle-batch.ts`,
    text: 'lease === undefined || lease.workspaceId === backing?.workspaceId',
    fault: 'lease === undefined || lease.workspaceId !== undefined',
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'a line that names the lease of another workspace becomes a dead letter',
    },
  },
  {
    name: 'pending usage settled at once',
    breaks: 'A stream whose client left is charged nothing, because nobody waits for its usage.',
    file: `${BILLING}/settle/cases.ts`,
    text: 'else if (isComplete(evidence)) ready.push(each);',
    fault: `else if (isComplete(evidence) || evidence.outcomeBy === 'ingress') ready.push(each);`,
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'pending usage waits for the worker, whichever speaks first',
    },
  },
  {
    name: 'attempt left behind and charged',
    breaks:
      'A try that was given up is charged while its generation still runs, because its worker answered before it heard of it.',
    file: `${BILLING}/settle/settle-batch.ts`,
    text: ' || leftBehind !== undefined',
    fault: '',
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'is never charged, not even in between, where its worker had answered before it could hear of it',
    },
  },
  {
    name: 'tokens left out of a hold that grew',
    breaks: 'What a stream used beyond its first slice is not counted by a limit of tokens.',
    file: `${BILLING}/settle/backing.ts`,
    text: 'const areMore = holdTokens > (known.holdTokens ?? 0);',
    fault: 'const areMore = false;',
    caughtBy: { file: `${BILLING}/settle/cases.test.ts`, test: 'a hold of tokens that grew is known from' },
  },
  // The sweeper.
  {
    name: 'sweeper ahead of the journal',
    breaks: 'A lease whose facts wait on the bus is swept: its charges find no hold and become our loss.',
    file: `${BILLING}/sweep/sweeper.job.ts`,
    text: 'const { throughMs } = this.#watermark;',
    fault: 'const throughMs = Date.now();',
    caughtBy: {
      file: `${BILLING}/billing.itest.ts`,
      test: 'the sweeper waits for facts that are stored and not yet settled, however old the lease',
    },
  },
  {
    name: 'watermark that runs ahead',
    breaks: 'A mark counts as reached before what was stored at its time is settled.',
    file: `${BILLING}/sweep/watermark.ts`,
    text: 'ackFloor >= this.#mark.sequence',
    fault: 'ackFloor >= this.#mark.sequence - 1',
    caughtBy: {
      file: `${BILLING}/sweep/watermark.test.ts`,
      test: 'a journal that is behind moves the mark only when all that was stored at that moment is settled',
    },
  },
  {
    name: 'sweep of a claimed lease',
    breaks: 'A lease is closed under an attempt that still runs on it.',
    file: `${BILLING}/sweep/sweep.ts`,
    text: 'and not exists (select 1 from witness where witness.lease_id = lease.id)',
    fault: 'and not exists (select 1 from witness where witness.lease_id is null)',
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'a lease that an attempt claims is not swept, however old; when the attempt is settled it is',
    },
  },
  // The lease lane.
  {
    name: 'lost recall',
    breaks: 'A caller is refused while credit lies idle at another ingress.',
    file: `${BILLING}/leases/recalls.ts`,
    text: 'this.#options.recall(instance, leaseIds.slice(at, at + IDS_PER_SIGNAL_MAX));',
    fault: 'leaseIds.slice(at, at + IDS_PER_SIGNAL_MAX);',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'what lies idle elsewhere is called back before anybody is refused, and what is claimed stays',
    },
  },
  {
    name: 'refusal that does not wait for a recall',
    breaks: 'Credit is called back, and the caller for whom it was called is refused all the same.',
    file: `${BILLING}/leases/lease-lane.ts`,
    text: 'const parked = !waiting.hasWaited && this.#recalls.park({ ...waiting, hasWaited: true }, holders);',
    fault: 'const parked = waiting.hasWaited && this.#recalls.park({ ...waiting, hasWaited: true }, holders);',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'what lies idle elsewhere is called back before anybody is refused, and what is claimed stays',
    },
  },
  {
    name: 'spent credit that may come back',
    breaks: 'Callers are told to wait for credit that is spent already, and come back for ever.',
    file: `${BILLING}/leases/lease-lane.ts`,
    text: 'unbooked.get(quota.id) ?? 0n',
    fault: '0n * (unbooked.get(quota.id) ?? 0n)',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'waiting helps only against what may come back unused',
    },
  },
  // Holds at the ingress.
  {
    name: 'bound that forgets the choices',
    breaks: 'A call for several completions is held for as if it made one.',
    file: `${INGRESS}/hold/bound-plan.ts`,
    text: '{ inputTokens, outputTokens: outputTokens * choices, pieces }',
    fault: '{ inputTokens, outputTokens, pieces }',
    caughtBy: {
      file: `${INGRESS}/hold/bound-plan.test.ts`,
      test: 'covers the dearest endpoint, and every completion that was asked for',
    },
  },
  {
    name: 'hold for the first endpoint',
    breaks: 'A fallback to a dearer endpoint is not covered.',
    file: `${INGRESS}/hold/bound-plan.ts`,
    text: 'if (credits > usd) usd = credits;',
    fault: 'if (usd === 0n) usd = credits;',
    caughtBy: {
      file: `${INGRESS}/hold/bound-plan.test.ts`,
      test: 'covers the dearest endpoint, and every completion that was asked for',
    },
  },
  {
    name: 'hold that ends twice',
    breaks: 'A hold that is settled twice frees its amount twice: the lease is spent twice.',
    file: `${INGRESS}/hold/lease-pool.ts`,
    text: "    if (this.#state === 'settled') return;\n",
    fault: '',
    caughtBy: {
      file: `${INGRESS}/hold/lease-pool.test.ts`,
      test: 'that is settled leaves its charge in the lease and frees the rest, once',
    },
  },
  {
    name: 'unknown charge given back',
    breaks: 'What a cancelled stream will turn out to have cost is given to the next caller.',
    file: `${INGRESS}/hold/lease.ts`,
    text: 'return plus(plus(this.open, this.unknown), this.charged);',
    fault: 'return plus(this.open, this.charged);',
    caughtBy: {
      file: `${INGRESS}/hold/lease-pool.test.ts`,
      test: 'whose charge is not known stays in the lease whole',
    },
  },
  {
    name: 'hold left open for ever',
    breaks:
      'What a client that left held is not free before its lease is swept, though billing has told what it came to.',
    file: `${INGRESS}/hold/left-open.ts`,
    text: '      holds.get(attemptId)?.settle(fromVector(charged));\n',
    fault: '',
    caughtBy: {
      file: `${INGRESS}/hold/left-open.test.ts`,
      test: 'a hold that a client left behind is given back but for what billing charged, as soon as it tells',
    },
  },
  {
    name: 'hold after the end of its lease',
    breaks: 'A hold is taken on a slice that billing may have given to somebody else.',
    file: `${INGRESS}/hold/lease.ts`,
    text: 'nowMs < this.takeUntilMs && fitsInto(need, this.free)',
    fault: 'fitsInto(need, this.free)',
    caughtBy: {
      file: `${INGRESS}/hold/lease-pool.test.ts`,
      test: 'takes no hold after its time, counted from before it was asked for',
    },
  },
  {
    name: 'request counted for each fallback',
    breaks: 'A call that had to fall back uses up two requests of a rate limit.',
    file: `${INGRESS}/attempt/begin-try.ts`,
    text: 'requests: counted ? 0 : hold.hold.amounts.requests,',
    fault: 'requests: counted ? 1 : hold.hold.amounts.requests,',
    caughtBy: {
      file: `${INGRESS}/http/chat-completions.test.ts`,
      test: 'counts as one request however many endpoints are tried',
    },
  },
  {
    name: 'request counted for each of two at once',
    breaks: 'A call for which a second endpoint was asked uses up two requests of a rate limit.',
    file: `${INGRESS}/attempt/begin-try.ts`,
    text: 'requests: 0,',
    fault: 'requests: 1,',
    caughtBy: {
      file: `${INGRESS}/http/hedging.property.test.ts`,
      test: 'the client has the bytes of one, pays for that one, and each try is told of',
    },
  },
  {
    name: 'slower of two that is not told so',
    breaks: 'A second endpoint that lost can be charged beside the first, by a witness that does not know of the race.',
    file: `${INGRESS}/attempt/race-attempts.ts`,
    text: "other.ordinal === 0 ? 'given-up' : 'passed-over'",
    fault: "'given-up'",
    caughtBy: {
      file: `${INGRESS}/http/hedging.property.test.ts`,
      test: 'the first serves when it speaks after all, and the second was passed over',
    },
  },
  {
    name: 'second endpoint outside the budget',
    breaks: 'Where everything is slow providers get twice what clients ask, at the cost of the station.',
    file: `${INGRESS}/attempt/begin-try.ts`,
    text: ' || !retries.takeSpare()',
    fault: ' || (retries.takeSpare(), false)',
    caughtBy: {
      file: `${INGRESS}/http/hedging.property.test.ts`,
      test: 'is spent by second endpoints, too: where they were many nobody is asked beside the first, and fallbacks go on',
    },
  },
  {
    name: 'guardrail that is passed over',
    breaks: 'A call is not held against the budget of its guardrail.',
    file: `${INGRESS}/auth/caller.ts`,
    text: 'guardrails: guardrailBudgets(), ...call()',
    fault: '...call()',
    caughtBy: {
      file: `${INGRESS}/http/guardrails.test.ts`,
      test: 'is planned under all of them, from the widest in, and held against the budget of each',
    },
  },
  {
    name: 'fresh start under another guardrail',
    breaks: 'Whoever has used up a budget gets it anew by being given another guardrail.',
    file: `${BILLING}/quotas/spent-before.ts`,
    text: 'ref.subject ?? { scope: ref.scope, id: ref.scopeId }',
    fault: '({ scope: ref.scope, id: ref.scopeId })',
    caughtBy: {
      file: `${BILLING}/leases/leases.itest.ts`,
      test: 'a budget that is set in the middle of its window counts what was spent in it before',
    },
  },
  // Own keys.
  {
    name: "another workspace's key",
    breaks: 'A customer pays, at the provider, for calls of somebody else.',
    file: 'apps/worker/src/site/credentials.ts',
    text: 'if (entry === undefined || !isFor(entry, asked)) throw',
    fault: 'if (entry === undefined) throw',
    caughtBy: { file: 'apps/worker/src/worker.itest.ts', test: 'is opened for no call of ' },
  },
  {
    name: 'filter of an own key that is passed over',
    breaks: 'A customer pays, at the provider, for whom the key is not kept.',
    file: 'libs/routing/src/own-keys.ts',
    text: "if (keyHashes?.has(keyHash) === false) return 'allowed_api_key_hashes';",
    fault: '',
    caughtBy: { file: 'libs/routing/src/plan-route.test.ts', test: 'for other api keys is not used' },
  },
  {
    name: 'capacity beside a key that is always used',
    breaks: 'A workspace that wants no calls from its credits at a provider gets them where its own key fails.',
    file: 'libs/routing/src/split-capacity.ts',
    text: 'serving.some((key) => key.alwaysUse)',
    fault: 'serving.length < 0',
    caughtBy: {
      file: 'libs/routing/src/plan-route.test.ts',
      test: "that is always used leaves out the station's own capacity there",
    },
  },
  {
    name: 'own key that waits for credit',
    breaks: 'A call that the customer pays at the provider is refused because the wallet is empty.',
    file: `${INGRESS}/hold/take-hold.ts`,
    text: 'if (own !== undefined && spares(taken.refused))',
    fault: 'if (own !== undefined && !spares(taken.refused))',
    caughtBy: {
      file: `${INGRESS}/http/byok.test.ts`,
      test: 'goes on without its fallback where there is no credit for that',
    },
  },
  {
    name: "stream by an own key that ends with somebody else's credit",
    breaks: 'A stream that costs the wallet nothing is cut short when the credit for its fallback runs out.',
    file: `${INGRESS}/hold/plan-growth.ts`,
    text: '  isOfOneKind(attempts) &&\n',
    fault: '',
    caughtBy: { file: `${INGRESS}/hold/plan-growth.test.ts`, test: 'a plan of an own key and the capacity' },
  },
  {
    name: 'continuation without a hold',
    breaks: 'A stream that breaks off is continued for a customer who has no credit for two charges.',
    file: `${INGRESS}/hold/take-hold.ts`,
    text: "return 'refused' in taken ? undefined : { hold: taken, ...terms };",
    fault: "return { hold: 'refused' in taken ? FREE_HOLD : taken, ...terms };",
    caughtBy: {
      file: `${INGRESS}/http/continuation.test.ts`,
      test: 'where there is no credit for both',
    },
  },
  {
    name: 'continued answer charged once more',
    breaks: 'Of an answer that two attempts made, whatever was lost before them is charged as well.',
    file: `${BILLING}/settle/read-lines.ts`,
    text: 'line.continuedFrom === attemptId',
    fault: 'line.continuedFrom !== undefined',
    caughtBy: {
      file: `${BILLING}/settle/settle.itest.ts`,
      test: 'costs nothing for what was lost before it',
    },
  },
  // Capacity of credentials.
  {
    name: 'all that is free of a credential for everybody',
    breaks: 'A burst over several workers takes the capacity of a credential several times.',
    file: 'libs/routing/src/capacity.ts',
    text: 'if (workers <= 1) return',
    fault: 'if (workers >= 1) return',
    caughtBy: { file: 'libs/routing/src/capacity.test.ts', test: 'and leaves the rest to the other' },
  },
  {
    name: 'full credential that is planned',
    breaks: 'Calls do not spill over: they are sent where nothing more is taken.',
    file: 'libs/routing/src/split-capacity.ts',
    text: 'return fullOf(route.credentialId, route.capacity, route.place);',
    fault: 'return undefined;',
    caughtBy: { file: 'libs/routing/src/plan-route.test.ts', test: 'that is used up leaves its endpoints out' },
  },
  {
    name: 'declined attempt that counts as sent',
    breaks: 'An attempt that no provider ever saw is waited for in the books, and its prompt may be charged.',
    file: `${INGRESS}/attempt/record-try.ts`,
    text: 'error.code !== DECLINED &&',
    fault: '',
    caughtBy: {
      file: `${INGRESS}/http/chat-completions.test.ts`,
      test: 'a credential that is used up was asked nothing',
    },
  },
  // The journal.
  {
    name: 'stream that takes lines before its durable is there',
    breaks: 'A charge that comes while the stream is made again is acked and gone.',
    file: 'libs/bus/src/provision/provision-streams.ts',
    text: '{ ...others, subjects: closed }',
    fault: 'config',
    caughtBy: {
      file: 'libs/bus/src/provision/provision.itest.ts',
      test: 'no line is acked and dropped while',
    },
  },
];
