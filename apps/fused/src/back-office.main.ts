// Billing, logging and control in one process: what the data plane can do without for a while.
import { app as billing } from '@waystation/app-billing';
import { app as control } from '@waystation/app-control';
import { app as logging } from '@waystation/app-logging';
import { run } from '@waystation/runtime';

await run([billing, logging, control], { service: 'back-office' });
