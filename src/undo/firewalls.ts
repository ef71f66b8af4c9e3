import { firewalldOn, firewalldQueries, runningZones } from '../knowledge/firewalld.ts';
import { ufwOn, ufwQueries } from '../knowledge/ufw.ts';
import type { Action, Answers } from '../model.ts';
import { either, flag, list, mapOf, nothing as isNull, text } from '../journal/checks.ts';
import { argvsOf, command, nothing } from './part.ts';
import type { Part } from './part.ts';

/** Whether ufw is at work. What its files say is put back as files. */
export const ufwPart: Part<boolean | null> = {
  name: 'ufw',
  holds: either(flag, isNull),
  queries: (actions) => (usesUfw(actions) ? ufwQueries : []),
  read: (actions, answers) => (!usesUfw(actions) ? null : ufwOn(answers).unknown ? undefined : ufwOn(answers).now),
  back: (before, after, now, { actions }) => {
    if (!usesUfw(actions) || now === null) return nothing;
    // So older versions wrote where ufw did not answer.
    if (before === null) return { ...nothing, left: [{ what: 'ufw', why: 'whether it was on before this run is not known' }] };
    if (before === now || (typeof after === 'boolean' && after !== now)) return nothing;
    const action = before
      ? command(['ufw', '--force', 'enable'], 'turn ufw on again, with the rules in its files')
      : command(['ufw', 'disable'], 'turn ufw off; its rules stay in its files');
    return { ...nothing, actions: [action] };
  },
};

const usesUfw = (actions: readonly Action[]): boolean =>
  argvsOf(actions).some(([program, ...words]) => program === 'ufw' && words.some((word) => /^(?:en|dis)able$/.test(word)));

type Zones = { readonly [zone: string]: readonly string[] };

/** What the running firewalld lets in. Its files are put back as files: it watches them. */
export const firewalldPart: Part<Zones> = {
  name: 'firewalld',
  holds: mapOf(list(text)),
  queries: (actions) => (commandsTo(actions).length > 0 ? firewalldQueries : []),
  read: (actions, answers) => {
    const zones = [...new Set(commandsTo(actions).map(({ zone }) => zone))];
    // One that runs has zones.
    if (zones.length > 0 && firewalldOn(answers).now && runningZones(answers).length === 0) return undefined;
    return Object.fromEntries(zones.map((zone) => [zone, openIn(zone, answers)]));
  },
  back: (before, after, now, { actions }) => ({
    ...nothing,
    actions: Object.entries(before).flatMap(([zone, was]) => {
      const asked = commandsTo(actions).flatMap((one) => (one.zone === zone ? one.openings : []));
      const [left, is] = [after?.[zone] ?? now[zone] ?? [], now[zone] ?? []];
      const shut = asked.filter((one) => is.includes(one) && !was.includes(one) && left.includes(one));
      const open = asked.filter((one) => !is.includes(one) && was.includes(one) && !left.includes(one));
      return [...changes(zone, 'remove', shut), ...changes(zone, 'add', open)];
    }),
  }),
};

/** What a command to the running firewalld is about: "port=179/tcp", "protocol=4". */
const commandsTo = (actions: readonly Action[]): { readonly zone: string; readonly openings: readonly string[] }[] =>
  argvsOf(actions)
    .filter((argv) => argv[0] === 'firewall-cmd' && !argv.includes('--permanent'))
    .map((argv) => ({
      zone: argv.find((word) => word.startsWith('--zone='))?.slice('--zone='.length) ?? '',
      openings: argv.flatMap((word) => /^--(?:add|remove)-((?:port|protocol)=.*)$/.exec(word)?.[1] ?? []),
    }))
    .filter(({ zone }) => zone !== '');

const openIn = (zone: string, answers: Answers): string[] =>
  (runningZones(answers).find(({ name }) => name === zone)?.allows ?? []).map(({ protocol, port }) =>
    port === undefined ? `protocol=${protocol}` : `port=${port}/${protocol}`,
  );

/** One command takes ports or protocols, not both. */
const changes = (zone: string, verb: 'add' | 'remove', openings: readonly string[]): Action[] =>
  ['port=', 'protocol='].flatMap((kind) => {
    const words = openings.filter((one) => one.startsWith(kind)).map((one) => `--${verb}-${one}`);
    const why = verb === 'remove' ? 'shut again in the running firewall' : 'open again in the running firewall';
    return words.length === 0 ? [] : [command(['firewall-cmd', `--zone=${zone}`, ...words], `${why} what this run changed`)];
  });
