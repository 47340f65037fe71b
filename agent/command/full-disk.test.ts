import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CommandArguments, signCommand } from '#protocol/command.ts';
import { type CommandAnswer, decodeAnswerPart, joinAnswer } from '#protocol/command-answer.ts';
import { createLogger } from '#runtime/log.ts';
import { RecentLines } from '#runtime/recent-lines.ts';
import { SimulatedClock } from '#runtime/simulated-clock.ts';
import { mountSmallDisk, NO_MOUNT } from '#runtime/testing/small-disk.ts';
import { LogFile } from './log-file.ts';
import { LogLevels } from './log-levels.ts';
import { openCommands } from './open-commands.ts';

describe('commands to a gateway whose disk is full from the start', () => {
  it('tell what is wrong and are answered, but nothing is restarted that could be restarted twice', async ({
    skip,
  }) => {
    const disk = mountSmallDisk(4);
    if (disk === null) return skip(NO_MOUNT);
    onTestFinished(() => disk.unmount());
    disk.fill();
    const owner = generateKeyPairSync('ed25519');
    const signing = generateKeyPairSync('ed25519');
    const clock = new SimulatedClock();
    const recent = new RecentLines();
    const log = createLogger({
      ...{ name: 'agent', level: 'info', format: 'json', destination: { write: () => {} }, recent },
    });
    const file = await LogFile.open(join(disk.folder, 'log'), recent);
    onTestFinished(() => file.close());
    log.warn('the disk is full');
    const answers: CommandAnswer[] = [];
    let restarts = 0;
    const levels = new LogLevels(log, 'info', clock);
    const commands = await openCommands({
      ...{ site: 'town', gateway: 'gate-1', data: disk.folder, levels, recent, clock, log },
      ownerKeys: () => [owner.publicKey],
      signingKey: signing.privateKey,
      publish: async (_type, _id, wire) => {
        const { data, digest } = decodeAnswerPart(wire).part;
        answers.push(joinAnswer([data], digest));
      },
      started: () => 'restarted',
      restart: () => {
        restarts++;
      },
      diagnose: async () => new Uint8Array(10),
    });
    onTestFinished(async () => {
      levels.close();
      await commands.close();
    });
    const give = async (type: string, given: CommandArguments = {}) => {
      const id = randomBytes(16).toString('hex');
      const wire = signCommand(
        {
          ...{ schema: 1, site: 'town', gateway: 'gate-1', id, type, arguments: given },
          ...{ createdMs: clock.now(), expiresMs: clock.now() + 60_000 },
        },
        owner.privateKey,
      );
      commands.receive(type, id, wire);
      await commands.idle();
      return { id, wire };
    };
    await give('restart');
    expect(answers.at(-1)).toMatchObject({ status: 'failed', code: 'DISK_FULL' });
    expect(restarts).toBe(0);
    const { id, wire } = await give('logs');
    expect(Buffer.from(answers.at(-1)!.content!.bytes).toString()).toContain('the disk is full');
    await give('log-level', { level: 'debug' });
    expect(log.level).toBe('debug');
    await give('diagnostics');
    expect(answers.map(({ status }) => status)).toEqual(['failed', 'done', 'done', 'done']);
    // Remembered in memory, too.
    commands.receive('logs', id, wire);
    await commands.idle();
    expect(answers.at(-1)).toMatchObject({ code: 'COMMAND_REPEATED' });
    disk.empty();
    await give('restart');
    expect(restarts).toBe(1);
    log.warn('there is space again');
    const again = new RecentLines();
    (await LogFile.open(join(disk.folder, 'log'), again)).close();
    expect(again.lines.at(-1)).toContain('there is space again');
  });
});
