// Under which key of the bucket a conversation's place stands: nobody who reads the bucket learns a conversation's id, and no two workspaces ever meet.
import { hash } from 'node:crypto';
import { SNAPSHOT_KEYS } from '@waystation/contracts';

const HASH_CHARACTERS = 32;

export const affinityKeyOf = (workspaceId: string, model: string, conversation: string): string =>
  SNAPSHOT_KEYS.affinity(
    hash('sha256', JSON.stringify([workspaceId, model, conversation]), 'hex').slice(0, HASH_CHARACTERS),
  );
