// A relative link in a page leads somewhere.
import path from 'node:path';
import type { Finding, Rule } from '../tree.ts';

const LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;

export const links: Rule = (tree) =>
  tree.files.filter((file) => file.endsWith('.md')).flatMap((file) => deadLinks(file, tree.read(file), tree.exists));

function deadLinks(file: string, text: string, exists: (file: string) => boolean): Finding[] {
  let fenced = false;
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced;
    if (fenced) return [];
    return [...line.replaceAll(/`[^`]*`/g, '').matchAll(LINK)]
      .map((match) => match[1] ?? '')
      .filter((target) => !/^([a-z][a-z+.-]*:|#|\/\/)/i.test(target))
      .filter((target) => !exists(path.posix.join(path.posix.dirname(file), decodeURI(target.replace(/[#?].*$/, '')))))
      .map((target) => ({ rule: 'links', file, line: index + 1, message: `the link ${target} leads nowhere` }));
  });
}
