// The lock file names no registry, so that an install works behind any mirror. Links to our own folders are not registries.
import type { Finding, Rule } from '../tree.ts';

export const lockfile: Rule = (tree) =>
  tree.files
    .filter((file) => file === 'package-lock.json')
    .flatMap((file): Finding[] => {
      const { packages } = JSON.parse(tree.read(file)) as {
        packages: Record<string, { resolved?: string; link?: boolean }>;
      };
      return Object.entries(packages)
        .filter(([, entry]) => entry.resolved !== undefined && entry.link !== true)
        .map(([place]) => ({
          rule: 'lockfile',
          file,
          message: `${place} has "resolved": write the lock with omit-lockfile-registry-resolved`,
        }));
    });
