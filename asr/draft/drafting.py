from asr.draft.category import category, complexity, unit
from asr.draft.fields import Draft
from asr.draft.gazetteer import Gazetteer
from asr.draft.name import name
from asr.draft.phone import phone
from asr.draft.place import where
from asr.draft.respondent import respondent
from asr.draft.speech import citizens, read_speech
from asr.draft.summary import summary
from asr.draft.taxonomy import Taxonomy
from asr.draft.telling import chiefly, tells
from asr.draft.urgency import urgency
from asr.draft.when import happened_at
from asr.speechlike import understood
from asr.transcript import Transcript


def draft(transcript: Transcript, taxonomy: Taxonomy, gazetteer: Gazetteer) -> Draft:
    """Suggest a ticket's fields from what was said. Pure; the citizen's words count, the agent's give context.

    What was not said stays empty: no value, confidence 0, no evidence; of speech in a language that the model does not
    know, everything. Evidence is in seconds of the utterance's own recording.
    """
    said = read_speech(transcript, gazetteer.names)
    if not understood([word for each in citizens(said) for word in each.utterance.words]):
        return Draft()
    clauses = tuple(tells(said, gazetteer))
    matter = category(said, chiefly(clauses), taxonomy, gazetteer)
    found = where(said, gazetteer)
    danger = urgency(said, clauses, taxonomy, matter)
    told = summary(said, [*matter.evidence, *found.place.evidence, *danger.evidence])
    return Draft(
        summary=told,
        category=matter,
        place=found.place,
        district=found.district,
        street=found.street,
        urgency=danger if danger.value else urgency(said, clauses, taxonomy, told),
        complexity=complexity(said, taxonomy, matter),
        unit=unit(taxonomy, matter),
        contact_phone=phone(said),
        contact_name=name(said),
        happened_at=happened_at(said),
        respondent=respondent(said, taxonomy, gazetteer),
    )
