import { createPrivateKey, type KeyObject } from 'node:crypto';
import { serveTasks } from '#runtime/threads/serve-tasks.ts';
import { auditAnswer } from './audit-answer.ts';
import type { AuditTask } from './audit-task.ts';
import { OpenPrograms } from './open-programs.ts';

let opened: { readonly keys: readonly KeyObject[]; readonly programs: OpenPrograms } | null = null;

serveTasks(async (message) => {
  const task = message as AuditTask;
  if (task.kind === 'open') {
    const keys = task.keys.map((der) =>
      createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }),
    );
    for (const der of task.keys) der.fill(0);
    opened = { keys, programs: new OpenPrograms(task.parts) };
    return { result: null };
  }
  if (opened === null) throw new Error('the auditor has no key');
  return { result: await auditAnswer(task.job, opened.keys, opened.programs) };
});
