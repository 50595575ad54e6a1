// A copy of the manifests in which overlays can be rendered that nobody keeps: with secrets made for them, and with each component in use. The checkout is only read.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';

export interface Site {
  folderOf(overlay: string): string;
  remove(): void;
}

/** Overlays by name, each the text of its kustomization.yaml and of files beside it. */
export type Overlays = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const copySite = (overlays: Overlays): Site => {
  const folder = mkdtempSync(path.join(tmpdir(), 'waystation-k8s-'));
  const folderOf = (overlay: string): string => path.join(folder, 'k8s/overlays', overlay);
  for (const part of ['k8s', 'deploy/nats', 'tools/compose-env.mjs'])
    cpSync(path.join(repositoryRoot, part), path.join(folder, part), { recursive: true });
  rmSync(path.join(folderOf('dev'), 'secrets'), { recursive: true, force: true });
  execFileSync(process.execPath, [path.join(folderOf('dev'), 'make-secrets.mjs')], { stdio: 'pipe' });
  for (const [overlay, files] of Object.entries(overlays))
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(folderOf(overlay), file)), { recursive: true });
      writeFileSync(path.join(folderOf(overlay), file), text);
    }
  return { folderOf, remove: () => rmSync(folder, { recursive: true, force: true }) };
};
