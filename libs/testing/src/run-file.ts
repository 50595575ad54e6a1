// `run.json` in the data folder: what a person or a program must know to use a running system. 0600, there while it runs.

export interface RunningService {
  readonly name: string;
  /** 0 for a server that was given and is not ours. */
  readonly pid: number;
  /** Health and metrics; for Postgres and NATS where clients connect. */
  readonly port: number;
  /** Where clients of this replica of the ingress connect. */
  readonly publicPort?: number;
  /** Where its management is, if it is not there. */
  readonly managementPort?: number;
}

export interface RunFile {
  readonly url: string;
  /** Of the management API: `url`, where it has no listener of its own. */
  readonly managementUrl: string;
  readonly apiKey: string;
  readonly managementKey: string;
  readonly consoleUrl: string;
  /** With the user `operator` where the server has users. */
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly shape: 'split' | 'fused';
  readonly services: readonly RunningService[];
}
