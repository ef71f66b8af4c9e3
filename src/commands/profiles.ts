import { chooseProfile, ipFamilies } from '../config.ts';
import { OperatorError } from '../errors.ts';
import type { Desired } from '../model.ts';
import { profiles as table } from '../profiles/table.ts';
import { desiredState } from '../requirements.ts';
import { jsonText } from '../views/json.ts';
import { profileListText, profileText } from '../views/profile-text.ts';
import { desiredOptions, outputOptions, text } from './options.ts';
import type { Command } from './options.ts';
import { isJson, print, printAsIs, styleFrom } from './shared.ts';

/** Lists the profiles, or every requirement of one. */
export const profiles: Command = {
  name: 'profiles',
  words: { '[show]': 'the word show, with a profile', '[profile]': 'the profile to show: NAME[:KEY=VALUE,...]' },
  about: 'the profiles and their options; "profiles show NAME[:KEY=VALUE,...]" lists every requirement',
  options: { 'ip-families': desiredOptions['ip-families'], format: outputOptions.format, color: outputOptions.color },
  run: async (args) => {
    const [verb, spec] = args.words;
    const style = styleFrom(args);
    if (verb === undefined) {
      const list = table.map(({ name, summary, options }) => ({ name, summary, options }));
      if (isJson(args)) printAsIs(jsonText({ version: 1, command: 'profiles', profiles: list }, 2));
      else print(profileListText(table, style));
      return 0;
    }
    if (verb !== 'show' || spec === undefined)
      throw new OperatorError('Say which profile to show.', 'node-prep profiles show istio:mode=ambient');
    const chosen = chooseProfile(spec, ipFamilies((text(args, 'ip-families') ?? 'ipv4').split(',')));
    const desired: Desired = desiredState([chosen], { needs: [], from: '' }, []);
    if (isJson(args))
      printAsIs(jsonText({ version: 1, command: 'profiles', profile: chosen.asked, requirements: desired.requirements }, 2));
    else print(profileText(chosen, desired, style));
    return 0;
  },
};
