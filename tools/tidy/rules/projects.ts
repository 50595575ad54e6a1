// Every project says its layer and its scope once, or the boundary rule has nothing to hold it to.
import type { Finding, Rule } from '../tree.ts';

export const projects: Rule = (tree) =>
  tree.files
    .map((file) => /^((?:apps|libs)\/([^/]+))\/package\.json$/.exec(file))
    .filter((match) => match !== null)
    .flatMap(([, home = '', name = '']): Finding[] => {
      const file = `${home}/project.json`;
      if (!tree.exists(file)) return [{ rule: 'projects', file, message: 'the project has no project.json' }];
      const { tags = [] } = JSON.parse(tree.read(file)) as { tags?: string[] };
      const layers = tags.filter((tag) => tag.startsWith('layer:'));
      const scopes = tags.filter((tag) => tag.startsWith('scope:'));
      return [
        ...(layers.length === 1
          ? []
          : [{ rule: 'projects', file, message: `one layer: tag is needed, there are ${layers.length}` }]),
        ...(scopes.length === 1 && scopes[0] === `scope:${name}`
          ? []
          : [{ rule: 'projects', file, message: `the tag scope:${name} is needed` }]),
      ];
    });
