from asr.draft.category import category, complexity, unit
from asr.draft.fields import Draft
from asr.draft.gazetteer import Gazetteer
from asr.draft.name import name
from asr.draft.phone import phone
from asr.draft.place import place
from asr.draft.speech import read_speech
from asr.draft.summary import summary
from asr.draft.taxonomy import Taxonomy
from asr.draft.urgency import urgency
from asr.transcript import Transcript


def draft(transcript: Transcript, taxonomy: Taxonomy, gazetteer: Gazetteer) -> Draft:
    """Suggest a ticket's fields from what was said. Pure; the citizen's words count, the agent's give context.

    What was not said stays empty: no value, confidence 0, no evidence. Evidence is in seconds of the utterance's own
    recording.
    """
    said = read_speech(transcript, gazetteer.names)
    matter = category(said, taxonomy, gazetteer)
    where = place(said, gazetteer)
    danger = urgency(said, taxonomy, matter)
    told = summary(said, [*matter.evidence, *where.evidence, *danger.evidence])
    return Draft(
        summary=told,
        category=matter,
        place=where,
        urgency=danger if danger.value else urgency(said, taxonomy, told),
        complexity=complexity(said, taxonomy, matter),
        unit=unit(taxonomy, matter),
        contact_phone=phone(said),
        contact_name=name(said),
    )
