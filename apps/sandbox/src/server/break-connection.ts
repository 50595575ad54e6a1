// Breaks a connection as a script asks: with a reset at once, or closed without the end of the message once all that was written is out.
import type { ServerResponse } from 'node:http';
import type { Script } from '../script/script.js';

export const breakConnection = ({ socket }: ServerResponse, script: Pick<Script, 'fail'>): void => {
  if (script.fail === 'reset') socket?.resetAndDestroy();
  else socket?.end(() => socket.destroy());
};
