import { didYouMean, nearest } from '../output/suggest.ts';
import { sections, type SectionName, variableOf } from './definitions.ts';

/** Read by the commands themselves, and by no setting. */
const others = ['OTTLA_CONFIG', 'OTTLA_TOKEN', 'OTTLA_DEBUG'] as const;

/** Whose variables are theirs alone: what begins as theirs do is of no interest to other commands. */
const ownedSections = ['server', 'broker'] as const;

/** As near as this, a name was most likely meant to be the other one; units of services have variables of their own. */
const misspeltShareMax = 0.15;

/**
 * A sentence for each variable that looks like a setting and is none. The environment is shared with other programs,
 * so that such a one cannot be refused as it is in a file.
 */
export function describeIgnoredVariables(
  section: SectionName,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const known = [...others, ...namesOf('client'), ...namesOf('server'), ...namesOf('broker')];
  return Object.keys(environment)
    .filter((name) => name.startsWith('OTTLA_') && !known.includes(name))
    .filter((name) => {
      const owner = ownedSections.find((each) => name.startsWith(sections[each].variablePrefix));
      return owner === undefined ? nearest(name, known, misspeltShareMax) !== null : owner === section;
    })
    .map((name) => `${name} is no setting, and is ignored${didYouMean(name, known) || '.'}`);
}

function namesOf(section: SectionName): readonly string[] {
  return Object.keys(sections[section].settings).map((name) => variableOf(section, name));
}
