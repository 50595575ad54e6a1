// All that a bucket holds right now: what a watch delivers until it says that it is in sync.
import { WaystationError } from '@waystation/contracts';
import type { KvBucket } from '@waystation/bus';

export const readContent = (kv: KvBucket, timeoutMs: number): Promise<Map<string, unknown>> =>
  new Promise((resolve, reject) => {
    const content = new Map<string, unknown>();
    let watch: { stop(): void } | undefined;
    let settled = false;
    const settle = (finish: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      watch?.stop();
      finish();
    };
    const timer = setTimeout(
      () =>
        settle(() =>
          reject(new WaystationError('bus_unavailable', `A bucket was not delivered within ${timeoutMs} ms.`)),
        ),
      timeoutMs,
    );
    kv.watch('>', {
      entry: (key, value) => void (value === undefined ? content.delete(key) : content.set(key, value)),
      resync: () => content.clear(),
      synced: () => settle(() => resolve(content)),
    }).then(
      (opened) => {
        watch = opened;
        if (settled) opened.stop();
      },
      (error: unknown) => settle(() => reject(error as Error)),
    );
  });
