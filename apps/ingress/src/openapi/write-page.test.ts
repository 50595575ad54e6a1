// The reference page shows all of the document, and runs nothing.
import { createHash } from 'node:crypto';
import { API_ROUTES } from './api-routes.js';
import { describeApi } from './describe-api.js';
import { writePage } from './write-page.js';

const page = writePage(describeApi(), '/api/v1/openapi.json');

test.each(API_ROUTES.map(({ method, path }) => [method, path.replace(/:([a-z]+)/g, '{$1}')] as const))(
  '%s %s is on the page',
  (method, path) => {
    expect(page.html).toContain(`>${method}</span> <code>${path}</code></h3>`);
  },
);

test('every link inside of the page leads to a part of it', () => {
  const links = [...page.html.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
  expect(links.length).toBeGreaterThan(API_ROUTES.length);
  expect(links.filter((id) => !page.html.includes(`id="${id}"`))).toEqual([]);
});

test('its policy allows its own style and nothing else', () => {
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page.html) ?? [];
  const digest = createHash('sha256').update(style).digest('base64');
  expect(page.headers['content-security-policy']).toContain(`default-src 'none'; style-src 'sha256-${digest}';`);
  expect(page.html).not.toMatch(/<script|<link|<img|https?:\/\/|style="|\son\w+=/);
});

test('text of the document never becomes markup', () => {
  const evil = '<script>alert("1")</script>';
  const { html } = writePage(
    {
      info: { title: evil, summary: evil },
      tags: [{ name: evil, description: evil }],
      paths: {
        [`/${evil}`]: {
          get: {
            tags: [evil],
            summary: evil,
            parameters: [{ name: evil, in: evil, description: evil, schema: { enum: [evil] } }],
            responses: {
              200: { description: evil, content: { [evil]: { schema: { properties: { [evil]: { const: evil } } } } } },
            },
          },
        },
      },
      components: { schemas: { [evil]: { description: evil } } },
    },
    evil,
  );
  expect(html).toContain('&lt;script&gt;');
  expect(html).not.toContain('<script');
});
