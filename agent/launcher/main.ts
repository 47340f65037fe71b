// Says which program bin/launch-agent starts: slot, seconds until it is ended if it has not proved itself, folder of the slots. Where it fails, the installed program is started.
import { parseArgs } from 'node:util';
import { Slots } from '../software/slots.ts';
import { choose } from './choose.ts';
import { readSettings } from './settings.ts';

const { values } = parseArgs({ options: { config: { type: 'string' } }, strict: false });
const { folder, ownerKeys } = await readSettings(String(values.config));
const slots = new Slots(folder, () => ownerKeys);
const { slot, guardMs } = await choose(slots, (line) => process.stderr.write(`launch-agent: ${line}\n`));
process.stdout.write(`${slot} ${Math.ceil(guardMs / 1000)} ${folder}\n`);
