// Which metrics and labels a PromQL expression names. Not a parser: what is left when functions, keywords and texts are taken away is a name.

const WORDS: ReadonlySet<string> = new Set(
  'and or unless on ignoring group_left group_right by without offset bool sum min max avg count topk bottomk rate increase avg_over_time max_over_time histogram_quantile vector absent clamp_max label_replace'.split(
    ' ',
  ),
);

export interface Names {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

export const namesInQuery = (query: string): Names => {
  const labels: string[] = [];
  const bare = query
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g, (_all, inside: string) => {
      labels.push(...inside.split(',').map((label) => label.trim()));
      return ' ';
    })
    .replaceAll(/\{([^}]*)\}/g, (_all, inside: string) => {
      labels.push(...[...inside.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label ?? ''));
      return ' ';
    })
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/\b\d[\w.]*/g, ' ');
  const metrics = [...bare.matchAll(/[a-zA-Z_][\w:]*/g)].map(([name]) => name).filter((name) => !WORDS.has(name));
  return { metrics: [...new Set(metrics)], labels: [...new Set(labels.filter((label) => label !== ''))] };
};
