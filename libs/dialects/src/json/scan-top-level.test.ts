// The scanner against JSON.parse as the oracle: on any document, spaced and escaped in any way, both see the same members.
import fc from 'fast-check';
import { scanArray, scanTopLevelFields } from './scan-top-level.js';

const keysOf = (text: string): ReadonlySet<string> => new Set(Object.keys(JSON.parse(text) as object));
const scan = (text: string, wanted: ReadonlySet<string> = new Set(['a'])) =>
  scanTopLevelFields(Buffer.from(text), wanted);

/** Renders a value as JSON with white space and `\u` escapes thrown in. */
const render = (value: unknown, dice: () => number): string => {
  const space = (): string => ['', '', ' ', '\n', '\t\r '][dice() % 5] as string;
  const text = (each: string): string =>
    dice() % 4 === 0
      ? `"${Array.from({ length: each.length }, (_, at) => `\\u${each.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')}"`
      : JSON.stringify(each);
  const walk = (each: unknown): string => {
    if (typeof each === 'string') return text(each);
    if (Array.isArray(each)) return `[${space()}${each.map((item) => `${space()}${walk(item)}${space()}`).join(',')}]`;
    if (each !== null && typeof each === 'object') {
      return `{${space()}${Object.entries(each)
        .map(([key, item]) => `${space()}${text(key)}${space()}:${space()}${walk(item)}${space()}`)
        .join(',')}}`;
    }
    return JSON.stringify(each);
  };
  return `${space()}${walk(value)}${space()}`;
};

const document = fc.dictionary(fc.string({ maxLength: 12 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 8 });
const dice = fc.infiniteStream(fc.nat(19)).map((stream) => () => stream.next().value as number);

describe('scanTopLevelFields', () => {
  it('finds every member of any object, with spans that parse to the same values', () => {
    fc.assert(
      fc.property(document, dice, (value, roll) => {
        const body = Buffer.from(render(value, roll));
        const fields = scanTopLevelFields(body, keysOf(body.toString()));
        const parsed = JSON.parse(body.toString()) as Record<string, unknown>;
        const rebuilt: [string, unknown][] = (fields ?? []).map((field) => {
          expect(body.toString('utf8', field.start, field.valueStart)).toMatch(/^"[^]*"\s*:\s*$/);
          return [field.key, JSON.parse(body.toString('utf8', field.valueStart, field.valueEnd))];
        });
        expect(fields).toBeDefined();
        expect(Object.fromEntries(rebuilt)).toEqual(parsed);
      }),
      { numRuns: 300 },
    );
  });

  it('never refuses what JSON.parse takes, however the bytes were damaged', () => {
    fc.assert(
      fc.property(
        document,
        dice,
        fc.nat(),
        fc.constantFrom('', ',', ':', '"', '\\', '{', '}', '[', ']', '0', 'e', '-', 't', ' '),
        (value, roll, at, put) => {
          const text = render(value, roll);
          const damaged = text.slice(0, at % text.length) + put + text.slice((at % text.length) + 1);
          let parsed: unknown;
          try {
            parsed = JSON.parse(damaged);
          } catch {
            return; // only string contents may pass the scanner and fail the parser
          }
          const isObject = parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed);
          expect(scan(damaged) !== undefined).toBe(isObject);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['an array', '[1]'],
    ['a string', '"{}"'],
    ['nothing', ''],
    ['white space', ' \n'],
    ['a byte order mark', '\ufeff{}'],
    ['an open object', '{"a":1'],
    ['an open string', '{"a":"b}'],
    ['a comma at the end', '{"a":1,}'],
    ['a comma at the start', '{,"a":1}'],
    ['a missing colon', '{"a" 1}'],
    ['a bare key', '{a:1}'],
    ['something behind the object', '{} x'],
    ['two objects', '{}{}'],
    ['brackets that do not match', '{"a":[1}]'],
    ['a misspelt literal', '{"a":nul}'],
    ['a number with a leading zero', '{"a":01}'],
    ['a number without digits', '{"a":-}'],
    ['a fraction without digits', '{"a":1.}'],
    ['an exponent without digits', '{"a":1e+}'],
    ['NaN', '{"a":NaN}'],
    ['a comma at the end of an inner array', '{"a":[1,]}'],
    ['a backslash as the last byte', '{"a":"\\'],
  ])('refuses %s', (_, text) => {
    expect(scan(text)).toBeUndefined();
  });

  it('returns all spans of a repeated key, in order', () => {
    const body = '{"model":"a","x":{"model":"inner"},"model":"b"}';
    expect(scan(body, new Set(['model']))?.map((field) => body.slice(field.valueStart, field.valueEnd))).toEqual([
      '"a"',
      '"b"',
    ]);
  });

  it('knows a key that is written with escapes', () => {
    expect(scan('{"\\u006dodel":1}', new Set(['model']))?.map((field) => field.key)).toEqual(['model']);
  });

  it('does not take prototype members for wanted ones', () => {
    expect(scan('{"__proto__":{},"constructor":1}', new Set(['model']))).toEqual([]);
  });

  it('takes 512 levels and refuses 513, without recursion', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(scan(nested(512))).toHaveLength(1);
    expect(scan(nested(513))).toBeUndefined();
    expect(scan(nested(100_000))).toBeUndefined();
  });

  it('reads a prompt of backslashes and quotes right, across the native search', () => {
    for (const pad of [0, 1, 95, 96, 97, 500]) {
      const text = `${'x'.repeat(pad)}\\\\"${'\\"'.repeat(100)}${'\\'.repeat(pad)}`;
      const body = JSON.stringify({ text, model: 'm' });
      expect(scan(body, new Set(['model']))?.map((field) => body.slice(field.valueStart, field.valueEnd))).toEqual([
        '"m"',
      ]);
    }
  });

  it('scans a view into a larger buffer by its own offsets', () => {
    const whole = new TextEncoder().encode('xx{"a":1}yy');
    expect(scanTopLevelFields(whole.subarray(2, 9), new Set(['a']))).toEqual([
      { key: 'a', start: 1, end: 6, valueStart: 5, valueEnd: 6 },
    ]);
  });
});

describe('scanArray', () => {
  it('finds each item', () => {
    const body = '[ {"a":[1,2]} , 2,"]" ]';
    expect(scanArray(Buffer.from(body), 0)?.map((item) => body.slice(item.start, item.end))).toEqual([
      '{"a":[1,2]}',
      '2',
      '"]"',
    ]);
    expect(scanArray(Buffer.from('[]'), 0)).toEqual([]);
    expect(scanArray(Buffer.from('[1,]'), 0)).toBeUndefined();
    expect(scanArray(Buffer.from('{}'), 0)).toBeUndefined();
  });
});
