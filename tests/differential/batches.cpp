// batches.cpp: building batches as the stream decoder and the assembler do.
#include "batches.hpp"

namespace walbridge::differential {

std::vector<ChangeBatch> cut(const SentStream &stream, Cut how, Random &random) {
    std::vector<ChangeBatch> batches(1);
    const int often = random.between(5, 60); // percent
    const auto next_batch = [&] {
        if (!batches.back().pieces.empty()) batches.emplace_back();
    };
    for (const auto &transaction : stream.transactions) {
        const auto open = [&](std::size_t offset) {
            TransactionPiece piece;
            piece.begin = transaction.begin;
            piece.starts = offset == 0;
            piece.offset = offset;
            piece.first = piece.last = batches.back().changes.size();
            batches.back().pieces.push_back(std::move(piece));
        };
        open(0);
        for (std::size_t number = 0; number < transaction.changes.size(); ++number) {
            batches.back().changes.push_back(transaction.changes[number]);
            ++batches.back().pieces.back().last;
            if (how != Cut::pieces || !random.chance(often)) continue;
            next_batch();
            open(number + 1);
        }
        batches.back().pieces.back().commit = transaction.commit;
        if (how == Cut::transactions || (how == Cut::pieces && random.chance(often))) next_batch();
    }
    if (batches.back().pieces.empty()) batches.pop_back();
    return batches;
}

} // namespace walbridge::differential
