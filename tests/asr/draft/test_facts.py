"""Single facts of a draft: where, when, who, how urgent, on which number; and what is still to be asked."""

from typing import Any

import pytest

from asr.draft import Gazetteer, Taxonomy, draft, missing
from asr.errors import DraftConfigError
from asr.transcript import Transcript, Utterance
from tests.asr.conftest import Conversation

FACTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    # numbers to call back
    "打 taken for a digit": (("a 您 的 电话", "c 八 一三九 一二三四 五六七八"), {"contact_phone": "13912345678"}),
    "a lost digit that the agent heard": (
        ("a 您 的 电话", "c 一九三 八四 一七 五零九", "a 您 的 手机号 是 一九三 八二四一 七五零九", "c 嗯 谢谢"),
        {"contact_phone": "19382417509"},
    ),
    "another number than the agent read back": (
        ("a 您 的 电话", "c 一九三 八二四一 七五零九", "a 是 一九三 八二四一 七五零八", "c 嗯 谢谢"),
        {"contact_phone": "19382417509"},
    ),
    # places
    "district and street by the gazetteer": (
        ("c 紫荆小区 停水 了",),
        {"place": "紫荆小区", "district": "武侯区", "street": "玉林街道"},
    ),
    "district as said, a road that no gazetteer knows": (
        ("c 成华区 光华大道 二 号 的 外墙脱落",),
        {"place": "成华区光华大道2号", "district": "成华区", "street": None},
    ),
    "a room": (("c 中海国际 二十八 栋 二 单元 七零五 下水道 堵了",), {"place": "中海国际28栋2单元705"}),
    "a house whose stairwell lamp is broken": (
        ("c 仁和街 三十 号 楼道灯 坏了",),
        {"place": "仁和街30号", "category": "lighting.stairwell-lamp"},
    ),
    "the building told on demand": (
        ("c 锦绣花园 停电 了", "a 请问 是 哪 一 栋", "c 三 栋"),
        {"place": "锦绣花园3栋"},
    ),
    "a telephone's first digits are no house number": (
        ("a 具体 位置", "c 交子大道 加油站 对面", "a 您 的 手机号", "c 一五一", "a 嗯", "c 零六 九零 二一 七六"),
        {"place": "交子大道加油站对面", "contact_phone": "15106902176"},
    ),
    "which telephone is asked, not which house": (
        ("c 人民公园 旁边 路灯 不亮", "a 请问 打 哪个 电话 联系 您", "c 一五一 三八一九", "a 嗯", "c 零七七二"),
        {"place": "人民公园旁边", "district": "青羊区", "street": "少城街道"},
    ),
    "an unknown road in answer to where": (
        ("c 路灯 不亮", "a 请问 具体 位置 在 哪里", "c 梧桐路 八 号"),
        {"place": "梧桐路8号"},
    ),
    "a greeting is no part of an unknown road's name": (
        ("c 你好 哈 梧桐路 八 号 停电 了",),
        {"place": "梧桐路8号"},
    ),
    "ten and ninety as a telephone mishears them": (("c 光明路 是 一 号 停电 了",), {"place": "光明路11号"}),
    "ninety": (("c 光明路 就是 三 号 停电 了",), {"place": "光明路93号"}),
    "an unknown court": (("a 请问 在 哪里", "c 桂花苑 七 栋 四 单元"), {"place": "桂花苑7栋4单元"}),
    "a court that the recogniser knows as a word, wherever it stands": (
        ("c 桂花苑 的 污水 井 堵了", "a 请问 是 哪 一 栋", "c 五 栋"),
        {"place": "桂花苑5栋"},
    ),
    "a word before an unknown road is no part of its name": (
        ("c 跟 你们 说 个 事情 梧桐路 八 号 停电 了",),
        {"place": "梧桐路8号"},
    ),
    "a name does not begin within a word": (("c 昨天下午 梧桐 路 八 号 停电 了",), {"place": "梧桐路8号"}),
    "a motorway is no road's name": (("c 高速公路 堵车 了",), {"place": None}),
    "a crossing whose 和 the line lost": (("c 交子大道 建设路 路口 红绿灯 坏了",), {"place": "交子大道和建设路路口"}),
    "a crossing of roads that no gazetteer knows": (
        ("a 请问 在 哪里", "c 梧桐路 梨花路 的 十字路口"),
        {"place": "梧桐路和梨花路的十字路口"},
    ),
    "a thing that the gazetteer does not list": (("c 建设路 水果店 对面 停电 了",), {"place": "建设路水果店对面"}),
    "a floor in what happened is no address": (
        ("c 电梯 卡 在 十二 楼 里面 有 人", "a 请问 在 哪里", "c 交子大道 和 建设路 的 路口"),
        {"place": "交子大道和建设路的路口"},
    ),
    "with a house number, no spot from elsewhere": (
        ("c 学校 门口 路灯 不亮", "a 请问 地址", "c 建设路 十五 号"),
        {"place": "建设路15号"},
    ),
    "a house asked for in other words": (
        ("c 锦绣花园 的 大树 断了", "a 麻烦 说 一下 楼号", "c 二十八 栋"),
        {"place": "锦绣花园28栋"},
    ),
    "a road heard well is not another of nearly its sound": (
        ("a 请问 在 哪里", "c 交通大道 八 号"),
        {"place": "交通大道8号"},
    ),
    "a road on one side of a known one": (
        ("c 交子大道 和 梨花路 的 交叉口 红绿灯 坏了",),
        {"place": "交子大道和梨花路的交叉口"},
    ),
    "an unknown road and a known one": (("c 梨花路 和 交子大道 路口 红绿灯 坏了",), {"place": "梨花路和交子大道路口"}),
    "another road beside a known place is no crossing": (("c 交子大道 停电 了 梨花路 没有 停",), {"place": "交子大道"}),
    "a ring road's side and section": (("c 南 二环路 五段 九 号 停电 了",), {"place": "南二环路五段9号"}),
    "the back door": (("c 建设路 十五 号 后门 停电 了",), {"place": "建设路15号后门"}),
    "a new town": (("c 水 往 武侯区 水岸 新城 的 配电房 灌", "a 哪 一 栋", "c 五 栋"), {"place": "武侯区水岸新城5栋"}),
    "what else is beside it": (("c 就 在 建设路 幼儿园 对面 旁边 还有 人 抽烟",), {"place": "建设路幼儿园对面"}),
    "what is upstairs": (("c 建设路 五号 的 楼上 着火 了",), {"place": "建设路5号"}),
    "a clinic of the neighbourhood": (("c 武侯区 建设路 对面 的 社区 医院 排队",), {"place": "武侯区建设路对面"}),
    "leaks, heard as a house": (("c 武侯区 建设路 三百 九十九 号楼 了 冒 白烟",), {"place": "武侯区建设路399号"}),
    "ten heard as 是, before a building": (("c 紫荆小区 是 一栋 停电 了",), {"place": "紫荆小区11栋"}),
    "a building lost before its unit": (("c 紫荆小区 四 二 单元 停电 了",), {"place": "紫荆小区4栋2单元"}),
    "a unit that may well be": (("c 紫荆小区 十二 单元 停电 了",), {"place": "紫荆小区12单元"}),
    "一 behind a room": (("c 紫荆小区 五栋 二单元 七零四 一 棵 树 倒了",), {"place": "紫荆小区5栋2单元704"}),
    "a room high up": (("c 紫荆小区 五栋 二单元 一二零四 停电",), {"place": "紫荆小区5栋2单元1204"}),
    "和 heard as another word": (("c 建设路 回 金桥路 交叉口 积水",), {"place": "建设路和金桥路交叉口"}),
    "a building, though its question was not heard": (
        ("c 紫荆小区 停电 了", "a 请问 是 哪 一种", "c 十栋"),
        {"place": "紫荆小区10栋"},
    ),
    "号 heard as 好": (("c 建设路 三 四 五 好 那家 店 很吵",), {"place": "建设路345号"}),
    "what is said before a name": (("c 我 要 反映 个 事情 滨河 小区 四栋 停水",), {"place": "滨河小区4栋"}),
    "a district crosses nothing": (("c 武侯区 的 建设路 路口 积水",), {"place": "武侯区的建设路路口"}),
    "yesterday is no name": (("c 你好 昨天 槐树 街 八号 起火",), {"place": "槐树街8号"}),
    "nor is what ends a word before": (("c 物业费 年 年 涨 清水 家园 八栋 没人管",), {"place": "清水家园8栋"}),
    "a community first in a clause": (
        ("c 喂 梨花 小区 停电 了", "a 请问 是 哪 一 栋", "c 五 栋"),
        {"place": "梨花小区5栋"},
    ),
    "everybody's community": (("c 隔壁 小区 停电 了",), {"place": None}),
    "a name of the gazetteer that begins within a word": (
        ("a 请问 在 哪里", "c 春天 花园 十四 栋"),
        {"place": "春天花园14栋"},
    ),
    "a public place that no gazetteer knows": (("c 梨花山 公园 对面 路灯 不亮",), {"place": "梨花山公园对面"}),
    "a community with no word for it": (("a 请问 在 哪里", "c 在 金色 海岸 八 栋"), {"place": "金色海岸8栋"}),
    "a community with no word for it, first of all": (("c 金色 海岸 八 栋 停水 了",), {"place": "金色海岸8栋"}),
    "and after a greeting": (("c 喂 是 市民 热线 吗 金色 海岸 八 栋 停水 了",), {"place": "金色海岸8栋"}),
    "our community is no name": (("c 我们 小区 五 栋 停电 了",), {"place": "小区5栋"}),
    "nor is our house": (("c 我们 楼 五 栋 停电 了",), {"place": None}),
    "who told of a building": (("c 住户 反映 五 栋 停水",), {"place": None}),
    "a building that somebody spoke of": (("c 物业 说 五 栋 要 修",), {"place": None}),
    "what is no name before a building": (("a 请问 在 哪里", "c 就是 前面 八 栋"), {"place": "前面8栋"}),
    # telephone
    "a number that the citizen corrects": (
        ("a 您 的 联系电话", "c 一六三 一四三零 四二零八 不对 是 一六三 一四三零 一二零八"),
        {"contact_phone": "16314301208"},
    ),
    "a number said again with a slip put right": (
        ("a 您 的 联系电话", "c 一七七 八四八零 七六一三 等一下 我 看看 一七七 八四八零 七六一六"),
        {"contact_phone": "17784807616"},
    ),
    "a number that the agent reads back": (
        ("a 联系电话", "c 一八二 四零二 三三零 五", "a 您 的 电话 是 一八二 四零二三 三三零五 对吗", "c 对 的"),
        {"contact_phone": "18240233305"},
    ),
    "a number that the agent reads back wrong": (
        (
            "a 联系电话",
            "c 一三九 一二三四 五六七八",
            "a 是 一三九 一二三四 五六七九 吗",
            "c 不对 是 一三九 一二三四 五六七八",
        ),
        {"contact_phone": "13912345678"},
    ),
    "a landline": (("a 联系电话", "c 零二八 六二九三 六一八七"), {"contact_phone": "02862936187"}),
    # when, who, whom
    "when, asked": (("a 什么 时候 开始 的", "c 是 昨天 下午 五 点 开始 的"), {"happened_at": "昨天下午5点"}),
    "when, told": (("c 九月 二十四 日 晚上 八 点 半 停电",), {"happened_at": "9月24日晚上8点半"}),
    "every night is no moment": (("c 每天 晚上 都 很吵",), {"happened_at": None}),
    "whom": (("c 健身房 关门跑路 了 不退钱",), {"respondent": "健身房", "category": "consumer.prepaid-card"}),
    "a firm by its name": (("c 我 给 了 东方 装饰 公司 五千 块 定金",), {"respondent": "东方装饰公司"}),
    "a firm with no word for one": (("c 三个 月 了 启航 驾校 不 退钱",), {"respondent": "启航驾校"}),
    "what is no firm's name": (("c 刚才 物业 说 不 退钱",), {"respondent": "物业"}),
    "whose school it is is no name": (("c 我 孩子 学校 不 退钱",), {"respondent": "学校"}),
    "a paper is no firm": (("c 开发商 不 给 办理 房产 证",), {"respondent": "开发商"}),
    "a shop that only says where": (("c 超市 旁边 路灯 不亮",), {"respondent": None}),
    "an introduction": (("c 我 是 马 先生 路灯 坏了",), {"contact_name": "马先生"}),
    # matters
    "tuition is education, whatever was done with the money": (
        ("c 培训机构 关门跑路 学费 没有 退款",),
        {"category": "education.training"},
    ),
    "a burnt heap is no garbage collection": (("c 有人 烧垃圾 气味很大",), {"category": "environment.burning"}),
    "only the top where no kind was said": (("c 这里 太吵 了 影响休息",), {"category": "noise"}),
    # urgency
    "supposed": (("c 我想问一下 如果 燃气泄漏 应该 打什么电话",), {"urgency": "normal", "category": "enquiry"}),
    "over and mended": (
        ("c 上个月 燃气管道 漏气 已经 修好了 现在 是 气表 坏了",),
        {"urgency": "normal", "category": "gas"},
    ),
    "a fire of last month": (("c 上个月 这里 着火 的 事 没有 人 处理",), {"urgency": "normal"}),
    "a crack of last year still gapes": (("c 去年 墙体开裂",), {"urgency": "urgent"}),
    "told for its compensation": (("c 我 在 工地 受伤 了 老板 不 赔偿",), {"urgency": "normal"}),
    "a manner of speaking": (("c 路灯 不亮 晚上 走路 很 危险",), {"urgency": "normal"}),
    "a danger of its own": (("c 电线 掉下来 很 危险",), {"urgency": "urgent"}),
    "a yes to the agent's question": (("c 树枝 断 了", "a 有没有 人 受伤", "c 有 一个 老人"), {"urgency": "urgent"}),
    "a no to the agent's question": (("c 路灯 坏了", "a 有没有 人 受伤", "c 没有"), {"urgency": "normal"}),
    "a no said twice": (("c 路灯 坏了", "a 有没有 人 受伤", "c 没有 没有 人 受伤"), {"urgency": "normal"}),
    "a no in which 大家 was heard as a fight": (
        ("c 路灯 坏了", "a 请问 都 安全 吗", "c 打架 都 没有 受伤"),
        {"urgency": "normal"},
    ),
    "a no after the agent's own echo": (
        ("c 路灯 坏了", "a 有人 被困 或者 受伤 吗", "c 有", "c 大家 都 没有 受伤"),
        {"urgency": "normal"},
    ),
    "a no that goes on with a danger": (
        ("c 路灯 坏了", "a 有没有 人 受伤", "c 没有 但是 电线 着火 了"),
        {"urgency": "urgent"},
    ),
    "it is not what it was taken for": (
        ("c 不是 煤气泄漏 是 企业 的 废气",),
        {"urgency": "normal", "category": "environment"},
    ),
    "hearsay that was looked into": (("c 有人 说 爆管 我 去 看 了 没有 只是 水表 漏水",), {"urgency": "normal"}),
    "a crack that was found safe": (("c 墙 有 一点 开裂 住建局 检查 说 没有 危险",), {"urgency": "normal"}),
    "taken for one": (("c 烟 大得 我 以为 着火 了 跑 过去 看 又 不是",), {"urgency": "normal"}),
    "taken for another": (("c 我 以为 是 停电 结果 着火 了 烟 很大",), {"urgency": "urgent"}),
    "some day": (("c 屋里 炒菜 我 担心 哪天 给 我们 燃起来",), {"urgency": "normal"}),
    "put out already": (("c 垃圾堆 昨天 着火 了 消防 来 浇灭 了 现在 没人 收",), {"urgency": "normal"}),
    "a manner of speaking of one's head": (("c 电钻 简直 要命 我 脑壳 都要 爆炸 了",), {"urgency": "normal"}),
    "within, as they say here": (("c 屋 里头 爆炸 了 门 都 飞 出去 了",), {"urgency": "urgent"}),
    "a lid that is gone since today": (("c 路上 的 井盖 昨天 还 在 今天 就 没有 了",), {"urgency": "urgent"}),
    "a child that is taken": (("c 有人 拿刀 把 娃娃 抓走 了",), {"urgency": "urgent"}),
    "asked in need": (
        ("c 我 女儿 洗澡 叫不 答应 了 嘴巴 发紫 热水器 还 开着 是不是 煤气 中毒 我 该 咋办",),
        {"urgency": "urgent"},
    ),
    "a no beside an emergency": (
        ("c 电梯 卡 在 中间 里头 有个 孕妇 说 肚子痛 按铃 没人 理 目前 没得 人 受伤",),
        {"urgency": "urgent"},
    ),
    "roof works": (("c 有人 在 楼顶上 私自 搭 房子 敲敲打打 搞了 一个月",), {"urgency": "normal"}),
    "mended the same day": (("c 昨天 燃气泄漏 昨天 就 修好了 现在 是 停气",), {"urgency": "normal"}),
    "not mended": (("c 昨天 燃气泄漏 到 晚上 都 没有 修好",), {"urgency": "urgent"}),
    "mended and broken again": (("c 煤气 漏气 修好了 又 开始 漏",), {"urgency": "urgent"}),
    "wanted mended": (("c 电线杆 倾斜 什么 时候 能 修好了",), {"urgency": "urgent"}),
    "mended is asked for": (("c 煤气 漏气 请 马上 派人 修好",), {"urgency": "urgent"}),
    "nobody put it right": (("c 燃气泄漏 没有 人 处理了",), {"urgency": "urgent"}),
    "the lamps went out, not the fire": (("c 变压器 起火 了 灯 都 灭了",), {"urgency": "urgent"}),
    "the fire is out": (("c 昨天 变压器 起火 火 已经 灭了",), {"urgency": "normal"}),
    "a yes with a no in it": (
        ("c 路灯 坏了", "a 有没有 人 受伤", "c 有 两个 人 救护车 还 没 来"),
        {"urgency": "urgent"},
    ),
    "a danger denied": (("c 电表 坏了 没有 冒火花 也 没有 漏电",), {"urgency": "normal"}),
    "a manhole without its cover": (("c 路 上 的 井盖 不见了",), {"urgency": "urgent", "category": "road.manhole"}),
    "people in a lift, said plainly": (("c 电梯 坏了 里面 困了 三个 人",), {"urgency": "urgent"}),
    "the smell of gas": (("c 家里 有 一股 煤气 的 味道",), {"urgency": "urgent"}),
    "no smell of gas": (("c 现在 没有 煤气 的 味道 了",), {"urgency": "normal"}),
    "a child in a shaft": (("c 小孩 掉进 井 里 了",), {"urgency": "urgent"}),
    "a drain without a lid": (("c 路 上 的 下水道 没有 盖子",), {"urgency": "urgent"}),
    "a bin without a lid": (("c 垃圾桶 没有 盖子",), {"urgency": "normal"}),
    "a life at risk": (("c 我 不想 活 了",), {"urgency": "urgent"}),
    "sparks in a box": (("c 配电箱 在 打火",), {"urgency": "urgent"}),
    "an electric shock": (("c 孩子 被 电 到 了",), {"urgency": "urgent"}),
    "tired people near a lift": (("c 孩子 困 了 楼下 电梯 太 吵",), {"urgency": "normal"}),
    "a car that cannot leave": (("c 地下车库 电梯 旁边 车 出不来",), {"urgency": "normal"}),
    "garbage in a drain": (("c 下水道 堵 了 垃圾 掉进去 了",), {"urgency": "normal"}),
    "a lighter beside a switch": (("c 开关 坏了 打火 机 也 没有",), {"urgency": "normal"}),
    "a knife": (("c 有人 拿 刀",), {"urgency": "urgent"}),
    "called, asked": (("a 您 怎么 称呼", "c 叫 王 小明"), {"contact_name": "王小明"}),
    "people in a lift": (("c 电梯困人 了 快来 救人",), {"urgency": "urgent", "category": "public-facilities.lift"}),
}


@pytest.mark.parametrize("facts", FACTS)
def test_what_was_said_becomes_a_fact(
    facts: str, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    lines, expected = FACTS[facts]
    fields = draft(conversation(*lines), taxonomy, gazetteer).to_json()
    got = {name: fields[name]["value"] for name in expected}
    if got.get("category") and "." not in expected["category"]:
        got["category"] = taxonomy.top(got["category"])
    assert got == expected


@pytest.mark.parametrize(
    ("line", "urgent"),
    [
        ("c 他 说 要 带 着 孩子 一起 走 不 想 回来 了", True),
        ("c 一 个 班 的 娃娃 吃 了 午饭 都 在 吐", True),
        ("c 怕 一 个 班 的 娃娃 吃 了 都 会 吐", False),
        ("c 两 岁 的 娃娃 正 往 阳台 栏杆 上 怕 半个 身子 都 在 外面 了", True),
        ("c 怕 娃娃 往 阳台 栏杆 上 爬 想 问 下 能 不能 装 护栏", False),
        ("c 一 个 班 的 娃娃 都 在 补课", False),
    ],
)
def test_what_is_like_an_emergency_is_a_doubtful_one_though_no_rule_says_so(
    line: str, urgent: bool, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    field = draft(conversation(line), taxonomy, gazetteer).urgency
    assert (field.value == "urgent", field.value == "urgent" and field.doubtful) == (urgent, urgent)
    assert field.evidence


@pytest.mark.parametrize(
    ("lines", "doubted", "place"),
    [
        (("c 紫荆小区 流动 的 天桥 坏了",), ["流动"], "紫荆小区6栋"),
        (("c 紫荆小区 流动 的 人 很多",), [], "紫荆小区"),
        (("c 紫荆小区 停电", "a 请问 是 哪 一栋", "c 启动"), ["启动"], "紫荆小区7栋"),
    ],
)
def test_a_building_heard_as_another_word_is_one_where_it_was_hardly_heard(
    lines: tuple[str, ...],
    doubted: list[str],
    place: str,
    conversation: Conversation,
    taxonomy: Taxonomy,
    gazetteer: Gazetteer,
) -> None:
    field = draft(conversation(*lines, doubted=doubted), taxonomy, gazetteer).place
    assert field.value == place


def test_one_sentence_of_danger_is_found_in_all_that_is_said(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    lines = (
        "c 你好 我 姓 王 住 在 这边 好几年 了 一直 都 挺好 的 今天下午 我 去 买菜 回来",
        "c 看到 对门 的 老人 躺 在 门口 怎么 喊 都 不应",
        "c 我 也 不晓得 她 家里人 的 电话 你们 帮忙 联系 一下 社区",
        "c 我 等下 还要 去 接 孙子 放学 就 先 这样",
    )
    field = draft(conversation(*lines), taxonomy, gazetteer).urgency
    assert (field.value, field.doubtful) == ("urgent", True)
    assert 1 in [each.utterance for each in field.evidence]
    assert draft(conversation(lines[0], *lines[2:]), taxonomy, gazetteer).urgency.value == "normal"


@pytest.mark.parametrize(
    "line",
    [
        "c 昨天 砰 的 一声 以为 是 爆炸 其实 是 工地 施工",
        "c 风机 一直 响 吵得 我 心脏病 都要 犯了",
        "c 跳楼 价 的 喇叭 从早 喊到晚",
        "c 菜刀 寄 快递 被 退 回来",
    ],
)
def test_a_danger_word_among_what_is_unlike_any_emergency_is_none(
    line: str, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    assert draft(conversation(line), taxonomy, gazetteer).urgency.value == "normal"


@pytest.mark.parametrize(
    ("lines", "doubtful"),
    [
        (("c 水果店 的 苹果 不好吃", "a 有没有 人 受伤", "c 有"), False),
        (("c 苹果 不好吃 有人 昏迷 有人 流血",), False),
        (("c 广告 太多 井盖 没有了",), True),
    ],
)
def test_no_unlikeness_outweighs_a_yes_or_two_dangers_and_one_alone_it_makes_doubtful(
    lines: tuple[str, ...], doubtful: bool, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    field = draft(conversation(*lines), taxonomy, gazetteer).urgency
    assert (field.value, field.doubtful) == ("urgent", doubtful)


def test_a_no_is_a_no_where_only_its_first_word_was_lost(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    def urgency(answer: str) -> str | None:
        lines = ("c 路灯 坏了", "a 有没有 人 受伤", f"c {answer}")
        return draft(conversation(*lines, doubted=["喂"]), taxonomy, gazetteer).urgency.value

    assert urgency("喂 人 受伤") == "normal"
    assert urgency("有 人 受伤") == "urgent"


def test_a_danger_hardly_heard_counts_for_nothing_where_something_speaks_against_it(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    def urgency(line: str, *doubted: str) -> str | None:
        return draft(conversation(line, doubted=doubted), taxonomy, gazetteer).urgency.value

    denied = "c 燃气管道 漏气 生锈了 没有 漏 气"
    assert (urgency(denied, "漏气"), urgency(denied)) == ("normal", "normal")
    fight = "c 没人管 打架 的 乱扔 垃圾"
    assert (urgency(fight, "打架"), urgency(fight)) == ("normal", "normal"), "a doubtful rule needs some likeness"
    poster = "c 小广告 太 多 昨天 塌陷 了"
    assert (urgency(poster, "塌陷"), urgency(poster)) == ("urgent", "urgent")
    assert urgency("c 楼上 着火 了", "着火") == "urgent", "elsewhere none is missed for want of confidence"
    assert urgency("c 楼上 着火 了 烟 很大 人 下不来", "着火") == "urgent"


def test_what_the_line_brings_back_of_the_agents_words_is_not_the_citizens(
    taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    def urgency(confidence: float, start: float) -> str | None:
        spoken = (
            Utterance("citizen", 0.0, 2.0, "我要反映小区的路灯不亮", 0.98),
            Utterance("agent", 3.0, 6.0, "是不是有煤气泄漏了", 0.97),
            Utterance("citizen", start, start + 2.8, "是不是煤气泄漏了", confidence),
        )
        return draft(Transcript("call", "complete", "m", spoken), taxonomy, gazetteer).urgency.value

    assert urgency(0.93, 3.1) == "normal", "the same words, at the same time, heard worse"
    assert urgency(0.95, 3.1) == "urgent", "heard as well: no word of the citizen is given up"
    assert urgency(0.93, 6.5) == "urgent", "said after the agent"
    assert urgency(0.99, 2.9) == "urgent", "the agent's track has the echo"


def test_a_language_that_the_model_does_not_know_fills_in_nothing(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    line = "c 路灯 的 煤气味 王 小区 电 一 三 富华南路 危险"
    heard = draft(conversation(line, doubted=line.split()[1:]), taxonomy, gazetteer)
    assert all(field["value"] is None for field in heard.to_json().values())


def test_a_weak_value_is_marked_doubtful(conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer) -> None:
    feared = draft(conversation("c 会不会 爆炸"), taxonomy, gazetteer)
    sure = draft(conversation("c 配电箱 漏电 了"), taxonomy, gazetteer)
    assert (feared.urgency.value, feared.urgency.doubtful) == ("urgent", True)
    assert (sure.urgency.value, sure.urgency.doubtful) == ("urgent", False)
    assert sure.to_json()["urgency"]["doubtful"] is False
    assert not sure.contact_phone.doubtful, "what was not said is not doubtful, it is missing"


def test_what_a_matter_requires_and_nobody_said_is_to_be_asked(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    fields = draft(conversation("c 广场舞 太吵 了"), taxonomy, gazetteer).to_json()
    assert missing(fields, taxonomy) == ("place", "happened_at", "contact_phone")
    fields["place"] = {"value": "天府广场"}
    assert missing(fields, taxonomy) == ("happened_at", "contact_phone")
    assert missing({}, taxonomy) == ("category", "contact_phone")
    assert taxonomy.ask("place")[0] == "请问具体位置在哪里？"
    with pytest.raises(DraftConfigError, match="no question asks for summary"):
        taxonomy.ask("summary")


def test_a_kind_takes_from_its_matter_what_it_does_not_say(taxonomy: Taxonomy) -> None:
    noise, machine, dance = (taxonomy.matter(code) for code in ("noise", "noise.machine", "noise.square-dance"))
    assert (machine.unit, machine.complexity, machine.required) == ("环保局", noise.complexity, noise.required)
    assert dance.top == taxonomy.top("noise.square-dance") == "noise"
    with pytest.raises(DraftConfigError, match=r"no matter has the code noise\.cats"):
        taxonomy.top("noise.cats")
