// The chain holds as written and breaks at any change.
import fc from 'fast-check';
import { canonicalJson, faultOf, nextRecord, type AuditFact, type AuditRecord } from './audit-chain.js';

const fact: AuditFact = {
  workspaceId: 'default',
  actor: { kind: 'service', reason: 'test' },
  action: 'key.created',
  subject: 'abc',
  detail: { name: 'x', limit: undefined },
};
const chain = (length: number): AuditRecord[] => {
  const records: AuditRecord[] = [];
  for (let each = 0; each < length; each += 1)
    records.push(nextRecord({ ...fact, subject: `key ${each}` }, records.at(-1), 1_000 + each));
  return records;
};
const firstFault = (records: readonly AuditRecord[]): string | undefined => {
  let previous: AuditRecord | undefined;
  for (const record of records) {
    const fault = faultOf(record, previous);
    if (fault !== undefined) return fault;
    previous = record;
  }
  return undefined;
};

describe('the audit chain', () => {
  it('holds as it was written, and after a round trip through JSON that changes the order of members', () => {
    expect(firstFault(chain(5))).toBeUndefined();
    const stored = chain(5).map((record) => ({
      ...record,
      detail: JSON.parse(JSON.stringify(record.detail)) as Record<string, unknown>,
      actor: { reason: 'test', kind: 'service' as const },
    }));
    expect(firstFault(stored)).toBeUndefined();
  });

  it('breaks at any change, removal or exchange', () =>
    fc.assert(
      fc.property(
        fc.nat({ max: 8 }),
        fc.constantFrom<keyof AuditRecord>(
          'at',
          'action',
          'subject',
          'workspaceId',
          'detail',
          'hash',
          'previousHash',
          'id',
        ),
        (at, field) => {
          const records = chain(10);
          const forged = records.map((record, index) =>
            index === at ? { ...record, [field]: 'forged' } : record,
          ) as AuditRecord[];
          expect(firstFault(forged)).toBeDefined();
          expect(firstFault(records.filter((_record, index) => index !== at))).toBeDefined();
          const exchanged = [...records];
          [exchanged[at], exchanged[at + 1]] = [records[at + 1] as AuditRecord, records[at] as AuditRecord];
          expect(firstFault(exchanged)).toBeDefined();
        },
      ),
    ));

  it('spells the same value the same way', () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    ));
});
