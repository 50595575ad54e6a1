// Ingress, router and worker in one process: the bus delivers between them by direct calls.
import { app as ingress } from '@waystation/app-ingress';
import { app as router } from '@waystation/app-router';
import { app as worker } from '@waystation/app-worker';
import { run } from '@waystation/runtime';

await run([ingress, router, worker], { service: 'data-plane' });
