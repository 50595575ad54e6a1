// The reference document as one page of HTML: no script, nothing from elsewhere, one style sheet inside of it.
// Everything of the document is escaped, so that no text of it can become markup.
import { hash } from 'node:crypto';

type Part = Readonly<Record<string, unknown>>;

/** Schemas in schemas are shown so deep; beyond, their type alone. */
const DEPTH_MAX = 5;

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--dim:#777}
*{box-sizing:border-box}
body{margin:0;font:15px/1.5 system-ui,sans-serif;display:grid;grid-template-columns:21rem minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid var(--line)}
nav a{display:block;text-decoration:none;padding:.1rem 0;overflow-wrap:anywhere}
nav strong{display:block;margin-top:1rem}
main{padding:1rem 2rem 6rem;max-width:62rem}
h2{margin-top:3rem;border-bottom:1px solid var(--line)}
article{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0}
article h3{margin:0;font-size:1rem}
code,.method{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}
.method{display:inline-block;min-width:4.2em;font-weight:700}
.get{color:#0a7d4b}.post{color:#2a6fdb}.put,.patch{color:#b26a00}.delete{color:#c62f3b}
.dim{color:var(--dim)}
ul.fields{list-style:none;padding-left:1rem;margin:.3rem 0;border-left:2px solid var(--soft)}
ul.fields li{margin:.15rem 0}
summary{cursor:pointer}
@media (max-width:50rem){body{display:block}nav{position:static;height:auto;border:0}main{padding:1rem}}
`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (value: unknown): string => String(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
/** Text with `code` in it. */
const prose = (value: unknown): string => escaped(value).replace(/`([^`]+)`/g, '<code>$1</code>');

const partOf = (value: unknown): Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Part) : {};
const partsOf = (value: unknown): Part[] => (Array.isArray(value) ? value.map(partOf) : []);

const nameOfRef = (schema: Part): string | undefined =>
  typeof schema['$ref'] === 'string' ? schema['$ref'].split('/').at(-1) : undefined;

const typeName = (schema: Part): string => {
  const name = nameOfRef(schema);
  if (name !== undefined) return `<a href="#schema-${escaped(name)}">${escaped(name)}</a>`;
  const either = [...partsOf(schema['oneOf']), ...partsOf(schema['anyOf'])];
  if (either.length > 0) return [...new Set(either.map(typeName))].join(' or ');
  if (Array.isArray(schema['enum']))
    return schema['enum'].map((word) => `<code>${escaped(JSON.stringify(word))}</code>`).join(' | ');
  if ('const' in schema) return `<code>${escaped(JSON.stringify(schema['const']))}</code>`;
  const type = [schema['type'] ?? 'anything']
    .flat()
    .filter((word) => word !== 'array')
    .map(escaped);
  return [...(schema['items'] === undefined ? [] : [`list of ${typeName(partOf(schema['items']))}`]), ...type].join(
    ' or ',
  );
};

const BOUNDS: readonly (readonly [name: string, word: string])[] = [
  ['minimum', '≥'],
  ['exclusiveMinimum', '>'],
  ['maximum', '≤'],
  ['minLength', 'characters ≥'],
  ['maxLength', 'characters ≤'],
  ['minItems', 'entries ≥'],
  ['maxItems', 'entries ≤'],
  ['default', 'default'],
];
const boundsOf = (schema: Part): string => {
  const told = BOUNDS.filter(([name]) => schema[name] !== undefined).map(
    ([name, word]) => `${word} ${escaped(schema[name])}`,
  );
  return told.length === 0 ? '' : ` <span class="dim">(${told.join(', ')})</span>`;
};

const fieldsOf = (schema: Part, depth = 0): string => {
  const inside = schema['items'] === undefined ? schema : partOf(schema['items']);
  const properties = Object.entries(partOf(inside['properties']));
  if (properties.length === 0 || depth >= DEPTH_MAX) return '';
  const required = new Set(Array.isArray(inside['required']) ? (inside['required'] as unknown[]) : []);
  const items = properties.map(([name, value]) => {
    const field = partOf(value);
    const told = field['description'] === undefined ? '' : ` – ${prose(field['description'])}`;
    const must = required.has(name) ? '' : ' <span class="dim">optional</span>';
    return `<li><code>${escaped(name)}</code> ${typeName(field)}${boundsOf(field)}${must}${told}${fieldsOf(field, depth + 1)}</li>`;
  });
  return `<ul class="fields">${items.join('')}</ul>`;
};

const contentOf = (content: unknown): string =>
  Object.entries(partOf(content))
    .map(([type, value]) => {
      const schema = partOf(partOf(value)['schema']);
      return `<div><span class="dim">${escaped(type)}</span> ${typeName(schema)}${fieldsOf(schema)}</div>`;
    })
    .join('');

const resolve = (document: Part, value: unknown): Part => {
  const part = partOf(value);
  if (typeof part['$ref'] !== 'string') return part;
  return part['$ref']
    .replace('#/', '')
    .split('/')
    .reduce<Part>((at, name) => partOf(at[name]), document);
};

const operationHtml = (document: Part, path: string, method: string, operation: Part): string => {
  const id = operation['operationId'] ?? `${method} ${path}`;
  const parameters = partsOf(operation['parameters']).map((each) => resolve(document, each));
  const shown = parameters.map((each) => {
    const schema = partOf(each['schema']);
    const told = each['description'] === undefined ? '' : ` – ${prose(each['description'])}`;
    return `<li><code>${escaped(each['name'])}</code> <span class="dim">${escaped(each['in'])}</span> ${typeName(schema)}${boundsOf(schema)}${told}</li>`;
  });
  const responses = Object.entries(partOf(operation['responses'])).map(([status, value]) => {
    const response = resolve(document, value);
    return `<details${status.startsWith('2') ? ' open' : ''}><summary><strong>${escaped(status)}</strong> ${prose(response['description'])}</summary>${contentOf(response['content'])}</details>`;
  });
  const body = partOf(operation['requestBody'])['content'];
  return [
    `<article id="${escaped(id)}"><h3><span class="method ${escaped(method)}">${escaped(method.toUpperCase())}</span> <code>${escaped(path)}</code></h3>`,
    `<p>${prose(operation['summary'])}.${operation['description'] === undefined ? '' : ` ${prose(operation['description'])}`}</p>`,
    shown.length === 0
      ? ''
      : `<details open><summary><strong>Parameters</strong></summary><ul class="fields">${shown.join('')}</ul></details>`,
    body === undefined ? '' : `<details open><summary><strong>Body</strong></summary>${contentOf(body)}</details>`,
    ...responses,
    '</article>',
  ].join('');
};

interface Shown {
  readonly path: string;
  readonly method: string;
  readonly operation: Part;
}

const METHODS: readonly string[] = ['get', 'post', 'put', 'patch', 'delete'];

const operationsOf = (document: Part): ReadonlyMap<string, readonly Shown[]> =>
  Map.groupBy(
    Object.entries(partOf(document['paths'])).flatMap(([path, item]) =>
      Object.entries(partOf(item))
        .filter(([method]) => METHODS.includes(method))
        .map(([method, operation]) => ({ path, method, operation: partOf(operation) })),
    ),
    ({ operation }) => String(Array.isArray(operation['tags']) ? operation['tags'][0] : ''),
  );

const schemasHtml = (document: Part): string =>
  Object.entries(partOf(partOf(document['components'])['schemas']))
    .map(([name, value]) => {
      const schema = partOf(value);
      const told = schema['description'] === undefined ? '' : `<p>${prose(schema['description'])}</p>`;
      return `<article id="schema-${escaped(name)}"><h3>${escaped(name)}</h3>${told}${fieldsOf(schema)}</article>`;
    })
    .join('');

export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @param documentUrl where the same document is as JSON */
export const writePage = (source: object, documentUrl: string): Page => {
  const document = partOf(source);
  const info = partOf(document['info']);
  const operations = operationsOf(document);
  const tags = partsOf(document['tags']).filter(({ name }) => operations.has(String(name)));
  const menu = tags.map(({ name }) => {
    const links = (operations.get(String(name)) ?? []).map(
      ({ path, method, operation }) =>
        `<a href="#${escaped(operation['operationId'] ?? `${method} ${path}`)}"><span class="method ${escaped(method)}">${escaped(method.toUpperCase())}</span><code>${escaped(path)}</code></a>`,
    );
    return `<strong>${escaped(name)}</strong>${links.join('')}`;
  });
  const sections = tags.map(({ name, description }) => {
    const all = (operations.get(String(name)) ?? []).map(({ path, method, operation }) =>
      operationHtml(document, path, method, operation),
    );
    return `<h2>${escaped(name)}</h2><p>${prose(description)}</p>${all.join('')}`;
  });
  const html = [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escaped(info['title'])} API</title><style>${STYLE}</style></head><body>`,
    `<nav><a href="${escaped(documentUrl)}">openapi.json</a>${menu.join('')}<a href="#schemas"><strong>Schemas</strong></a></nav>`,
    `<main><h1>${escaped(info['title'])} API</h1><p>${prose(info['summary'])} ${prose(info['description'])}</p>`,
    `<p>Below ${partsOf(document['servers'])
      .map(({ url }) => `<code>${escaped(url)}</code>`)
      .join(' and ')}, with a key as <code>Authorization: Bearer …</code> or <code>x-api-key</code>.</p>`,
    ...sections,
    `<h2 id="schemas">Schemas</h2>${schemasHtml(document)}</main></body></html>`,
  ].join('');
  return {
    html,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${hash('sha256', STYLE, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    },
  };
};
